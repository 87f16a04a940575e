/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations that change what the runtime does, and what of them the host allows; see annotations.h.  */
#include "plan/annotations.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/unit_props.h"
#include "ocispec/table.h"

enum
{
  FILE_MAX = 64 * 1024
};

const struct annotation annotations_known[] = {
  { ANNOTATION_STOP_SIGNAL, false },       { ANNOTATION_CRIU_CONFIG, true }, /* options of CRIU start programs */
  { UNIT_ANNOTATION, true },               { CGROUP_ANNOTATION_SUBGROUP, true },
  { CGROUP_ANNOTATION_DELEGATE, true },    { NULL, false },
};

bool
annotation_is_the_hosts (const char *key)
{
  for (const struct annotation *a = annotations_known; a->name; a++)
    if (a->is_the_hosts && (a->name[strlen (a->name) - 1] == '.' ? str_after (key, a->name) != NULL : strcmp (key, a->name) == 0))
      return true;
  return false;
}

/* True if one of the lines of TEXT is for KEY.  */
static bool
is_listed (const char *text, const char *key)
{
  for (const char *line = text; *line; line += strcspn (line, "\n"), line += *line == '\n')
    {
      const char *name = line + strspn (line, " \t");
      size_t len = strcspn (name, " \t\r\n#");

      if (len > 0 && (name[len - 1] == '*' ? strncmp (key, name, len - 1) == 0 : strncmp (key, name, len) == 0 && key[len] == '\0'))
        return true;
    }
  return false;
}

/* FILE is not there.  That is as good as none only where nobody meant it to be: a link on its way that leads nowhere, as to a volume that is not
 * mounted, is an error, or the host's rules would be off and nobody would know.  */
static int
check_missing (const char *file, struct err *err)
{
  char path[256];
  struct stat st;
  size_t len = 0;

  do
    {
      len += 1 + strcspn (file + len + 1, "/");
      if (len >= sizeof path)
        return err_sys (err, ENAMETOOLONG, "lstat", "%s", file);
      memcpy (path, file, len);
      path[len] = '\0';
      if (lstat (path, &st) < 0)
        return errno == ENOENT ? 0 : err_sys (err, errno, "lstat", "%s", path);
      if (S_ISLNK (st.st_mode) && stat (path, &st) < 0)
        return err_host (err, errno, "%s, the list of allowed annotations, cannot be read: %s is a link that leads nowhere: mend or remove it", file, path);
    }
  while (file[len] == '/');
  return 0;
}

int
annotations_check (const struct oci_pair *given, size_t n, const char *file, struct err *err)
{
  own_mem char *text = NULL;

  for (size_t i = 0; i < n; i++)
    {
      ssize_t len;

      if (! annotation_is_the_hosts (given[i].key))
        continue;
      len = text ? 0 : file_read_at (AT_FDCWD, file, FILE_MAX, &text, err);
      if (len == -ENOENT)
        {
          err_clear (err);
          return check_missing (file, err);
        }
      if (len < 0)
        return (int) len;
      if (! is_listed (text, given[i].key))
        return err_in (err, err_spec (err, "", "is not among those that %s allows", file), "annotations[\"%.120s\"]", given[i].key);
    }
  return 0;
}
