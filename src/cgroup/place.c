/* SPDX-License-Identifier: Apache-2.0 */
/* Where the cgroup of a container is: the rules of linux.cgroupsPath.  Pure: decides from
 * the layout and the arguments, reads and changes nothing. */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cgroup/dir.h"
#include "cgroup/layout.h"
#include "cgroup/limits.h"
#include "cgroup/unit.h"
#include "cgroup/unit_props.h"
#include "cgroup/variant.h"
#include "ocispec/linux.h"
#include "ocispec/table.h"

static const char where[] = "linux.cgroupsPath";

/* True if the document names a path; an empty one is none, as Go's encoders write it.  */
static bool
path_given (const struct cgroup_args *args)
{
  return args->path && *args->path;
}

/* Copies TEXT into *ARENA.  */
static const char *
copy (struct oci_arena **arena, const char *text)
{
  return oci_strndup (arena, text, strlen (text));
}

/* Checks one component of a path, LEN bytes at NAME.  */
static int
check_component (const char *name, size_t len, struct err *err)
{
  if (len == 2 && memcmp (name, "..", 2) == 0)
    return err_spec (err, where, "must not contain \"..\"");
  if (len > NAME_MAX)
    return err_spec (err, where, "has a component of %zu bytes, the most is %d", len, NAME_MAX);
  for (size_t i = 0; i < len; i++)
    if ((unsigned char) name[i] < ' ' || name[i] == 0x7f)
      return err_spec (err, where, "must not contain control characters");
  return 0;
}

/* Brings PATH into the form "/a/b", in *ARENA.  */
static int
clean (const char *path, struct oci_arena **arena, const char **ret_clean, struct err *err)
{
  char *out = oci_alloc (arena, strlen (path) + 2);
  size_t n = 0;

  if (out == NULL)
    return err_sys (err, ENOMEM, "malloc", "cgroup path");
  while (*path)
    {
      size_t len = strcspn (path, "/");
      int r = check_component (path, len, err);
      if (r < 0)
        return r;
      if (len > 0 && ! (len == 1 && *path == '.'))
        {
          out[n++] = '/';
          memcpy (out + n, path, len);
          n += len;
        }
      path += len + (path[len] == '/');
    }
  if (n == 0)
    return err_spec (err, where, "is the root of the hierarchy, which cannot be a container's own cgroup");
  *ret_clean = out;
  return 0;
}

/* Length of the part of our own place in H below which relative paths are: see cgroup_plan.  */
static size_t
base_length (const struct cgroup_hierarchy *h, enum cgroup_mode mode)
{
  size_t len = strlen (h->own);

  if (strncmp (h->own, "/..", 3) == 0) /* outside our cgroup namespace (cgroup_namespaces(7)): no path leads there */
    return 0;
  if (mode == CGROUP_V2)
    len = strrchr (h->own, '/') - h->own;
  return len == 1 ? 0 : len; /* "/" */
}

/* Decides the cgroup in hierarchy H: the path PATH, cleaned, below our own place if RELATIVE.  */
static int
place (const struct cgroup_layout *l, const struct cgroup_hierarchy *h, const char *path, bool relative,
       struct oci_arena **arena, struct cgroup_dir *d, struct err *err)
{
  size_t base = relative ? base_length (h, l->mode) : 0;

  if (strlen (CGROUP_ROOT) + strlen (h->dir) + base + strlen (path) + CGROUP_FILE_MAX + 4 > PATH_MAX)
    return err_spec (err, where, "is too long");
  d->mount = copy (arena, h->dir);
  d->controllers = copy (arena, h->controllers);
  d->path = path;
  d->made = 1;
  d->known = base;
  if (base > 0)
    {
      char *full = oci_alloc (arena, base + strlen (path) + 1);
      if (full)
        {
          memcpy (full, h->own, base);
          strcpy (full + base, path);
        }
      d->path = full;
    }
  if (d->mount == NULL || d->controllers == NULL || d->path == NULL)
    return err_sys (err, ENOMEM, "malloc", "cgroup path");
  return 0;
}

/* The same in all hierarchies.  */
static int
place_all (const struct cgroup_layout *l, const char *path, bool relative, struct oci_arena **arena, struct cgroup *cg, struct err *err)
{
  cg->dirs = oci_alloc (arena, l->n_hierarchies * sizeof *cg->dirs);
  if (path == NULL || cg->dirs == NULL)
    return err_sys (err, ENOMEM, "malloc", "cgroup");
  for (size_t i = 0; i < l->n_hierarchies; i++)
    {
      int r = place (l, &l->hierarchies[i], path, relative, arena, &cg->dirs[i], err);

      if (r < 0)
        return r;
    }
  cg->n_dirs = l->n_hierarchies;
  return 0;
}

static int
plan_cgroupfs (const struct cgroup_layout *l, const struct cgroup_args *args, struct oci_arena **arena,
               struct cgroup *cg, struct err *err)
{
  const char *given = path_given (args) ? args->path : args->id;
  const char *path = NULL;
  int r = clean (given, arena, &path, err);

  if (r < 0)
    return r;
  if (l->mode == CGROUP_NONE)
    return cg->rootless && ! cg->explicit_path
               ? 0
               : err_host (err, ENOENT, "no cgroup hierarchy is mounted below " CGROUP_ROOT);
  return place_all (l, path, *given != '/', arena, cg, err);
}

static int
plan_disabled (const struct cgroup_layout *l, const struct cgroup_args *args, struct oci_arena **arena,
               struct cgroup *cg, struct err *err)
{
  (void) l, (void) args, (void) arena, (void) cg, (void) err;
  return 0;
}

/* The text of an annotation, or NULL.  */
static const char *
annotation (const struct cgroup_args *args, const char *key)
{
  for (size_t i = 0; i < args->n_annotations; i++)
    if (strcmp (args->annotations[i].key, key) == 0)
      return args->annotations[i].value;
  return NULL;
}

/* The name of one cgroup in the annotation KEY into *RET_NAME, which stays as it is without.  */
static int
plan_name (const struct cgroup_args *args, const char *key, const char **ret_name, struct err *err)
{
  const char *name = annotation (args, key);
  char where_to[64];

  if (name == NULL || *name == '\0')
    return 0;
  (void) snprintf (where_to, sizeof where_to, "annotations[\"%s\"]", key);
  if (strchr (name, '/') || strcmp (name, ".") == 0 || strcmp (name, "..") == 0 || check_component (name, strlen (name), NULL) < 0)
    return err_spec (err, where_to, "\"%.100s\" is no name of a cgroup", name);
  *ret_name = name;
  return 0;
}

/* What users see of the unit, and what it is known by.  */
static int
plan_description (const struct cgroup_args *args, const struct unit_properties *asked, struct oci_arena **arena, struct cgroup *cg, struct err *err)
{
  static const char words[] = "orlop container %s of %s";
  const struct variant *given = unit_props_find (asked, "Description");
  const char *root = args->root ? args->root : "";
  size_t size = sizeof words + strlen (args->id) + strlen (root);
  char *text = oci_alloc (arena, size);

  if (text == NULL)
    return err_sys (err, ENOMEM, "malloc", "cgroup");
  (void) snprintf (text, size, words, args->id, root);
  cg->description = given ? given->text : text;
  return 0;
}

/* True if systemd keeps its units in a hierarchy that L has: in v2, or on v1 in one without controllers.  */
static bool
has_units (const struct cgroup_layout *l)
{
  return l->mode == CGROUP_V2 || cgroup_layout_find (l, CGROUP_SYSTEMD) || (l->mode == CGROUP_HYBRID && cgroup_layout_find (l, ""));
}

/* Where systemd's driver can be.  Of v1 systemd hands users nothing to write to.  */
static int
check_units (const struct cgroup_layout *l, const struct cgroup_args *args, struct err *err)
{
  if (l->mode == CGROUP_NONE || ! has_units (l))
    return err_host (err, ENOTSUP, "the cgroup driver \"systemd\" needs systemd's cgroups, in cgroup v2 or in the hierarchy name=systemd, at " CGROUP_ROOT
                                   ", which this machine has not; use \"cgroupfs\"");
  if (l->mode != CGROUP_V2 && args->rootless)
    return err_host (err, ENOTSUP, "the cgroup driver \"systemd\" of an ordinary user needs cgroup v2 alone at " CGROUP_ROOT
                                   ", which this machine has not; use \"cgroupfs\"");
  return 0;
}

/* On v1 systemd writes the device rules over ours whenever it sets anything, so it is told them, and can be told no others.  */
static int
check_asked (const struct cgroup_layout *l, const struct unit_properties *asked, struct err *err)
{
  static const char *const rules[] = { "DevicePolicy", "DeviceAllow", NULL };

  for (const char *const *r = rules; l->mode != CGROUP_V2 && *r; r++)
    if (unit_props_find (asked, *r))
      return err_in (err, err_spec (err, "", "on cgroup v1 the unit's device rules are those of linux.resources.devices"), "annotations[\"%s%s\"]",
                     UNIT_ANNOTATION, *r);
  return 0;
}

/* The slice that an annotation asks for goes before that of the path, here as in systemd.  */
static int
plan_slice (const struct unit_properties *asked, struct unit_place *where_to, struct err *err)
{
  const struct variant *given = unit_props_find (asked, "Slice");

  if (given == NULL)
    return 0;
  where_to->slice = given->text;
  return unit_check_slice (given->text, "annotations[\"" UNIT_ANNOTATION "Slice\"]", err);
}

static int
plan_systemd (const struct cgroup_layout *l, const struct cgroup_args *args, struct oci_arena **arena,
              struct cgroup *cg, struct err *err)
{
  struct unit_properties *asked = oci_alloc (arena, sizeof *asked);
  struct unit_place where_to = { .unit = NULL };
  int r = check_units (l, args, err);

  if (r < 0)
    return r;
  if (asked == NULL)
    return err_sys (err, ENOMEM, "malloc", "cgroup");
  asked->arena = arena;
  r = unit_plan (args, arena, &where_to, err);
  if (r == 0)
    r = unit_props_annotations (asked, args->annotations, args->n_annotations, err);
  if (r == 0)
    r = plan_slice (asked, &where_to, err);
  if (r == 0)
    r = check_asked (l, asked, err);
  if (r == 0)
    r = plan_name (args, CGROUP_ANNOTATION_SUBGROUP, &cg->subgroup, err);
  if (r == 0)
    r = plan_description (args, asked, arena, cg, err);
  if (r == 0)
    r = place_all (l, unit_cgroup (arena, &where_to), false, arena, cg, err); /* what systemd does not make there is ours to make */
  if (r < 0)
    return r;
  cg->unit = where_to.unit;
  cg->slice = where_to.slice;
  cg->asked = asked;
  return 0;
}

/* The ways to have a cgroup; the first is the default.  */
static const struct driver
{
  const char *name;
  int (*plan) (const struct cgroup_layout *l, const struct cgroup_args *args, struct oci_arena **arena,
               struct cgroup *cg, struct err *err);
} drivers[] = {
  { "cgroupfs", plan_cgroupfs },
  { "systemd", plan_systemd },
  { "disabled", plan_disabled },
};

static const struct driver *
driver_named (const char *name)
{
  if (name == NULL)
    return &drivers[0];
  for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
    if (strcmp (drivers[i].name, name) == 0)
      return &drivers[i];
  return NULL;
}

int
cgroup_plan (const struct cgroup_layout *l, const struct cgroup_args *args, struct oci_arena **arena,
             struct cgroup **ret_cgroup, struct err *err)
{
  const struct driver *driver = driver_named (args->driver);
  struct cgroup *cg;
  int r;

  if (driver == NULL)
    return err_usage (err, "unknown cgroup driver \"%s\"", args->driver);
  cg = oci_alloc (arena, sizeof *cg);
  if (cg == NULL)
    return err_sys (err, ENOMEM, "malloc", "cgroup");
  cg->driver = driver->name;
  cg->rootless = args->rootless;
  cg->explicit_path = path_given (args);
  r = driver->plan (l, args, arena, cg, err);
  if (r == 0)
    r = plan_name (args, CGROUP_ANNOTATION_DELEGATE, &cg->delegate, err);
  if (r == 0 && cg->delegate && l->mode != CGROUP_V2)
    r = err_in (err, err_host (err, ENOTSUP, "a cgroup is delegated on cgroup v2 alone, which this machine has not"), "annotations[\"%s\"]",
                CGROUP_ANNOTATION_DELEGATE);
  if (r < 0)
    return r;
  *ret_cgroup = cg;
  return 0;
}

unsigned
cgroup_want (const struct cgroup_args *args, const struct oci_resources *r)
{
  unsigned want = 0;

  if (args->driver && strcmp (args->driver, "disabled") == 0)
    return 0;
  if ((args->driver == NULL || strcmp (args->driver, "systemd") != 0) && (! path_given (args) || *args->path != '/'))
    want |= CGROUP_WANT_OWN;
  if (cgroup_limits_asked (r))
    want |= CGROUP_WANT_CONTROLLERS;
  /* what a hybrid machine may have in its v2 hierarchy */
  if (r && (r->n_unified > 0 || r->n_hugepage_limits > 0 || r->n_rdma > 0 || r->block_io))
    want |= CGROUP_WANT_UNIFIED;
  return want;
}
