/* SPDX-License-Identifier: Apache-2.0 */
/* Users; see users.h.  The files belong to the image: they are found inside its root, read up to a limit, and lines that are none are passed over.  */
#include "image/users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "image/at.h"
#include "ocispec/config.h"

enum
{
  FILE_MAX_BYTES = 1 << 20,
  GROUPS_MAX = 1024,
  FIELDS = 4 /* of a line, that matter: name, password, id, and group (passwd) or members (group) */
};

/* Reads PATH in ROOT whole; a file that is not there is empty.  */
static int
read_file (int root, const char *path, char **ret_text, struct err *err)
{
  own_fd int fd = at_open (root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, AT_IN_ROOT, NULL);
  char *text = malloc (FILE_MAX_BYTES + 2);
  struct stat st;
  ssize_t n = 0;

  if (text == NULL)
    return err_host (err, ENOMEM, "out of memory for %s", path);
  text[0] = '\0';
  if (fd >= 0 && (fstat (fd, &st) < 0 || ! S_ISREG (st.st_mode)))
    n = err_spec (err, "", "%s in the image is no regular file", path);
  else if (fd >= 0)
    n = file_read_into (fd, text, FILE_MAX_BYTES + 2);
  else if (fd != -ENOENT && fd != -ENOTDIR)
    n = err_sys (err, -fd, "openat2", "%s in the image", path);
  if (n > FILE_MAX_BYTES)
    n = err_spec (err, "", "%s in the image has more than %d bytes", path, FILE_MAX_BYTES);
  if (n < 0)
    free (text);
  else
    *ret_text = text;
  return n < 0 ? (int) n : 0;
}

/* Splits the next line of *IN_OUT_TEXT; fields that it has not are "".  Returns false at the end.  */
static bool
next_line (char **in_out_text, char *field[FIELDS])
{
  char *line = *in_out_text, *end = strchrnul (line, '\n');

  if (*line == '\0')
    return false;
  *in_out_text = end + (*end != '\0');
  *end = '\0';
  for (size_t i = 0; i < FIELDS; i++)
    {
      field[i] = line;
      line = strchrnul (line, ':');
      if (*line)
        *line++ = '\0';
    }
  return true;
}

static bool
is_id (const char *text, uint32_t *ret_id)
{
  uint64_t value;

  if (str_u64 (text, UINT32_MAX - 1, &value) < 0)
    return false;
  *ret_id = (uint32_t) value;
  return true;
}

/* Finds the first line of TEXT, which it destroys, whose name is NAME or, if that is NULL, whose id is ID.  */
static bool
find_line (char *text, const char *name, uint32_t id, char *field[FIELDS])
{
  uint32_t is;

  while (next_line (&text, field))
    if (is_id (field[2], &is) && (name ? strcmp (field[0], name) == 0 : is == id))
      return true;
  return false;
}

static bool
is_member (const char *members, const char *user)
{
  size_t len = strlen (user);

  for (; *members; members += strcspn (members, ","), members += *members == ',')
    if (strcspn (members, ",") == len && memcmp (members, user, len) == 0)
      return true;
  return false;
}

/* Groups of which USER is a member, his own first: one that is no supplementary group, too, could be given up to gain what is denied to it
 * (CVE-2022-36109).  */
static int
find_groups (char *text, const char *user, struct oci_arena **arena, struct oci_user *u, struct err *err)
{
  char *field[FIELDS];
  uint32_t gid;

  u->additional_gids = oci_alloc (arena, GROUPS_MAX * sizeof *u->additional_gids);
  if (u->additional_gids == NULL)
    return err_host (err, ENOMEM, "out of memory for the groups of \"%s\"", user);
  u->additional_gids[u->n_additional_gids++] = u->gid;
  while (u->n_additional_gids < GROUPS_MAX && next_line (&text, field))
    if (is_member (field[3], user) && is_id (field[2], &gid) && gid != u->gid)
      u->additional_gids[u->n_additional_gids++] = gid;
  return 0;
}

static int
find_group (int root, const char *where, const char *group, struct oci_user *u, struct err *err)
{
  own_mem char *text = NULL;
  char *field[FIELDS];
  int ret;

  if (is_id (group, &u->gid))
    return 0;
  ret = read_file (root, "etc/group", &text, err);
  if (ret < 0)
    return ret;
  if (! find_line (text, group, 0, field))
    return err_spec (err, where, "there is no group \"%s\" in the image's etc/group", group);
  (void) is_id (field[2], &u->gid); /* or it would not have been found */
  return 0;
}

int
users_find (int root, const char *where, const char *user, struct oci_arena **arena, struct oci_user *ret_user, struct err *err)
{
  own_mem char *passwd = NULL, *groups = NULL, *name = NULL;
  const char *colon = strchr (user, ':');
  char *field[FIELDS];
  bool is_number, found;
  int ret;

  *ret_user = (struct oci_user){ 0 };
  name = strndup (user, colon ? (size_t) (colon - user) : strlen (user));
  if (name == NULL)
    return err_host (err, ENOMEM, "out of memory for the user");
  is_number = name[0] == '\0' || is_id (name, &ret_user->uid); /* nobody said is 0 */
  if (! is_number || ! colon)
    {
      ret = read_file (root, "etc/passwd", &passwd, err);
      if (ret < 0)
        return ret;
      found = find_line (passwd, is_number ? NULL : name, ret_user->uid, field);
      if (! found && ! is_number)
        return err_spec (err, where, "there is no user \"%s\" in the image's etc/passwd", name);
      if (found)
        {
          (void) is_id (field[2], &ret_user->uid);
          (void) is_id (field[3], &ret_user->gid); /* else 0 */
        }
    }
  if (colon && colon[1])
    return find_group (root, where, colon + 1, ret_user, err);
  if (is_number)
    return 0;
  ret = read_file (root, "etc/group", &groups, err);
  return ret < 0 ? ret : find_groups (groups, name, arena, ret_user, err);
}
