/* SPDX-License-Identifier: Apache-2.0 */
/* Names of units; see unit.h.  */
#include "cgroup/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "ocispec/table.h"

static const char where[] = "linux.cgroupsPath";
static const char scope[] = ".scope", slice[] = ".slice";

/* Characters of unit names (systemd.unit(5)); the @ of templates is none that a container could have.  */
static const char unit_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\";

/* What in front of its type makes a unit's name look like a file of cgroupfs: systemd puts "_" before the name of its cgroup then.  */
static const char *const controllers[] = { "cpu", "cpuacct", "cpuset", "io", "blkio", "memory", "devices", "pids", NULL };

static bool
ends_with (const char *text, const char *end)
{
  size_t n = strlen (text), m = strlen (end);

  return n >= m && strcmp (text + n - m, end) == 0;
}

static int
no_memory (struct err *err)
{
  return err_sys (err, ENOMEM, "malloc", "unit");
}

/* Appends TEXT to BUF, each byte that may not be in a unit's name as \xHH.  Returns the new length, or -ENAMETOOLONG.  */
static int
append_escaped (char *buf, size_t size, size_t used, const char *text)
{
  for (; *text; text++)
    {
      bool plain = strchr (unit_chars, *text) != NULL;
      int n = snprintf (buf + used, size - used, plain ? "%c" : "\\x%02x", (unsigned char) *text);

      used += (size_t) n;
      if (used >= size)
        return -ENAMETOOLONG;
    }
  return (int) used;
}

/* Makes "PREFIX-NAME.scope".  */
static int
make_unit (const char *prefix, const char *name, struct oci_arena **arena, const char **ret_unit, struct err *err)
{
  char text[UNIT_NAME_MAX + 1];
  int n;

  if (*name == '\0')
    return err_spec (err, where, "names no unit: with systemd it is \"slice:prefix:name\"");
  if (ends_with (name, slice))
    return err_spec (err, where, "names a slice, which cannot hold a container's processes: with systemd it is \"slice:prefix:name\"");
  n = append_escaped (text, sizeof text, 0, prefix);
  if (n >= 0)
    n = append_escaped (text, sizeof text, (size_t) n, "-");
  if (n >= 0)
    n = append_escaped (text, sizeof text, (size_t) n, name);
  if (n < 0 || (size_t) n + sizeof scope > sizeof text)
    return err_spec (err, where, "makes a unit's name of more than %d bytes", UNIT_NAME_MAX);
  strcpy (text + n, scope);
  *ret_unit = oci_strndup (arena, text, strlen (text));
  return *ret_unit ? 0 : no_memory (err);
}

/* A slice is named by its path: words joined by dashes (systemd.slice(5)).  */
int
unit_check_slice (const char *name, const char *place, struct err *err)
{
  size_t len = strlen (name), words = len - (sizeof slice - 1);

  if (! ends_with (name, slice) || len == sizeof slice - 1)
    return err_spec (err, place, "\"%.100s\" is no slice of systemd: it does not end in \".slice\"", name);
  if (len > UNIT_NAME_MAX || strspn (name, unit_chars) != len)
    return err_spec (err, place, "\"%.100s\" is no name of a slice of systemd", name);
  if (strcmp (name, "-.slice") == 0)
    return 0;
  for (size_t i = 0; i < words; i++)
    if (name[i] == '-' && (i == 0 || i + 1 == words || name[i + 1] == '-'))
      return err_spec (err, place, "\"%.100s\" is no slice of systemd: a word between dashes is empty", name);
  return 0;
}

/* Takes "SLICE:PREFIX:NAME" apart.  */
static int
split (const char *path, struct oci_arena **arena, const char **ret_slice, const char **ret_prefix, const char **ret_name, struct err *err)
{
  const char *prefix = strchr (path, ':'), *name = prefix ? strchr (prefix + 1, ':') : NULL;

  if (name == NULL || strchr (name + 1, ':'))
    return err_spec (err, where, "expected to be of the format \"slice:prefix:name\" for systemd cgroups, got \"%.200s\"", path);
  if (strchr (path, '/'))
    return err_spec (err, where, "is \"slice:prefix:name\" for systemd cgroups, without slashes");
  *ret_slice = oci_strndup (arena, path, (size_t) (prefix - path));
  *ret_prefix = oci_strndup (arena, prefix + 1, (size_t) (name - prefix - 1));
  *ret_name = name + 1;
  return *ret_slice && *ret_prefix ? 0 : no_memory (err);
}

int
unit_plan (const struct cgroup_args *args, struct oci_arena **arena, struct unit_place *ret_place, struct err *err)
{
  const char *in = "", *prefix = "orlop", *name = args->id;
  int r = args->path && *args->path ? split (args->path, arena, &in, &prefix, &name, err) : 0;

  if (r < 0)
    return r;
  if (*in == '\0')
    in = args->rootless ? "user.slice" : "system.slice";
  r = unit_check_slice (in, where, err);
  if (r == 0)
    r = make_unit (prefix, name, arena, &ret_place->unit, err);
  ret_place->slice = in;
  return r;
}

/* True if systemd puts "_" before the name of the cgroup of the unit NAME.  */
static bool
cgroup_escapes (const char *name)
{
  const char *type = strrchr (name, '.');

  if (*name == '_' || *name == '.' || str_after (name, "cgroup."))
    return true;
  for (const char *const *c = controllers; type && *c; c++)
    if (strlen (*c) == (size_t) (type - name) && memcmp (name, *c, strlen (*c)) == 0)
      return true;
  return false;
}

/* Appends the cgroup of the unit that LEN bytes of NAME and then END name.  */
static size_t
append_level (char *out, size_t used, const char *name, size_t len, const char *end)
{
  char unit[UNIT_NAME_MAX + 16];

  (void) snprintf (unit, sizeof unit, "%.*s%s", (int) len, name, end);
  return used + (size_t) sprintf (out + used, "/%s%s", cgroup_escapes (unit) ? "_" : "", unit);
}

const char *
unit_cgroup (struct oci_arena **arena, const struct unit_place *place)
{
  size_t words = strlen (place->slice) - (sizeof slice - 1), used = 0;
  size_t levels = 2;
  char *out;

  for (size_t i = 0; i < words; i++)
    levels += place->slice[i] == '-';
  out = oci_alloc (arena, levels * (UNIT_NAME_MAX + 3));
  if (out == NULL)
    return NULL;
  if (strcmp (place->slice, "-.slice") != 0)
    for (size_t i = 1; i <= words; i++)
      if (i == words || place->slice[i] == '-')
        used = append_level (out, used, place->slice, i, slice);
  (void) append_level (out, used, place->unit, strlen (place->unit), "");
  return out;
}

bool
unit_has_cgroup (const char *unit, const char *path)
{
  const char *last = strrchr (path, '/');

  if (last == NULL)
    return false;
  last++;
  return strcmp (last, unit) == 0 || (*last == '_' && strcmp (last + 1, unit) == 0);
}
