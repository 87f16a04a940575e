/* SPDX-License-Identifier: Apache-2.0 */
/* A container's cgroup as a scope of systemd; see scope.h and cgroup.h.  Systemd makes the cgroup, moves the first process there, and ends it; what
 * is below it and in its files is as without systemd.  On v1 systemd does so in the hierarchy of its units and in those whose controllers it knows; in
 * the others the cgroup of the same path is ours to make and to remove.  */
#include "cgroup/scope.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/clock.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h"
#include "cgroup/freezer.h"
#include "cgroup/layout.h"
#include "cgroup/systemd.h"
#include "cgroup/undo.h"
#include "cgroup/unit.h"
#include "cgroup/unit_props.h"
#include "cgroup/variant.h"
#include "ocispec/linux.h"
#include "ocispec/table.h"

enum
{
  STATE_MAX = 64,       /* bytes of ActiveState */
  DESCRIPTION_MAX = 8192,
  VERSION_MAX = 256,
  OOM_POLICY_SINCE = 253, /* of scopes; systemd before this refuses it */
  LEAVING_MS = 5000 /* for a unit of the name that is about to end */
};

struct scope
{
  struct systemd *systemd;
  char path[PATH_MAX]; /* where the path of all dirs points */
};

/* A connection for one call: that of CG, or one of its own, which is closed at the end.  */
struct borrowed
{
  struct systemd *systemd, *own;
};

static void
give_back (struct borrowed *b)
{
  systemd_close (b->own);
}

#define own_borrowed __attribute__ ((cleanup (give_back))) struct borrowed

static int
borrow (const struct cgroup *cg, struct borrowed *b, struct err *err)
{
  int r = cg->scope ? 0 : systemd_open (cg->rootless, &b->own, err);

  b->systemd = cg->scope ? cg->scope->systemd : b->own;
  return r;
}

/* CG has no cgroup any more: it is another's.  */
static int
disown (struct cgroup *cg, struct err *err)
{
  int r = err_state (err, EBUSY, "systemd has a unit %s already: is another container using it, or was one not deleted?", cg->unit);

  cg->n_dirs = 0;
  cg->unit = NULL;
  return r;
}

/* Sees to it that there is no unit of the name.  */
static int
make_way (struct cgroup *cg, struct systemd *s, struct err *err)
{
  long until = clock_ms () + LEAVING_MS;
  char state[STATE_MAX];
  int r;

  while ((r = systemd_unit_text (s, cg->unit, "ActiveState", state, sizeof state, err)) == 0)
    {
      if (strcmp (state, "failed") == 0 || strcmp (state, "inactive") == 0)
        return systemd_forget (s, cg->unit, err);
      if (strcmp (state, "deactivating") != 0 || clock_ms () >= until)
        return disown (cg, err);
      clock_pause (20000);
    }
  if (r == -ENOENT)
    {
      err_clear (err);
      return 0;
    }
  return r;
}

/* Makes PATH below PREFIX the container's cgroup.  */
static int
settle (struct cgroup *cg, const char *prefix, const char *path, struct err *err)
{
  char text[PATH_MAX];
  int n = snprintf (text, sizeof text, "%s%s%s%s", prefix, path, cg->subgroup ? "/" : "", cg->subgroup ? cg->subgroup : "");

  if (n + CGROUP_FILE_MAX + 64 > PATH_MAX)
    return err_spec (err, "linux.cgroupsPath", "is too long");
  (void) str_copy (cg->scope->path, sizeof cg->scope->path, text);
  for (size_t i = 0; i < cg->n_dirs; i++)
    cg->dirs[i].path = cg->scope->path;
  return 0;
}

/* The hierarchy in which systemd has its units.  */
static struct cgroup_dir *
home (const struct cgroup *cg)
{
  struct cgroup_dir *d = cgroup_dir_find (cg, CGROUP_SYSTEMD);

  return d ? d : &cg->dirs[cg->n_dirs - 1]; /* v2 is the last (layout.h) */
}

/* True if systemd makes and removes cgroups in the hierarchy of D (systemd's cgroup-util: CGROUP_MASK_V1), slices among them, which it would miss.  */
static bool
is_systemds (const struct cgroup_dir *d)
{
  static const char *const known[] = { CGROUP_SYSTEMD, "cpu", "cpuacct", "blkio", "memory", "devices", "pids", NULL };

  for (const char *const *k = known; *k; k++)
    if (cgroup_list_has (d->controllers, *k))
      return true;
  return cgroup_dir_is_v2 (d);
}

/* A unit that is not there may have left a cgroup, which systemd would use.  Says what of D will be ours to remove.  */
static int
survey_dir (const struct cgroup *cg, struct cgroup_dir *d, struct err *err)
{
  uint32_t own = cg->subgroup ? 2 : 1;
  struct cgroup_path p;
  int r = cgroup_dir_path (d, NULL, &p, err);

  if (r < 0)
    return r;
  r = faccessat (AT_FDCWD, p.text, F_OK, 0) == 0 ? cgroup_dir_check_idle (d, err) : cgroup_dir_count (d, err);
  if (is_systemds (d) || d->made < own)
    d->made = own;
  return r;
}

int
scope_survey (struct cgroup *cg, struct err *err)
{
  char root[PATH_MAX];
  int r;

  cg->scope = calloc (1, sizeof *cg->scope);
  r = cg->scope ? systemd_open (cg->rootless, &cg->scope->systemd, err) : err_sys (err, ENOMEM, "calloc", "scope");
  if (r == 0)
    r = systemd_manager_text (cg->scope->systemd, "ControlGroup", root, sizeof root, err);
  if (r == 0)
    r = settle (cg, strcmp (root, "/") == 0 ? "" : root, cg->dirs[0].path, err);
  if (r == 0)
    r = make_way (cg, cg->scope->systemd, err);
  for (size_t i = 0; r == 0 && i < cg->n_dirs; i++)
    r = survey_dir (cg, &cg->dirs[i], err);
  return r;
}

bool
cgroup_needs_process (const struct cgroup *cg)
{
  return cg->unit != NULL;
}

static int
add_bool (struct unit_properties *props, const char *name, bool value, struct err *err)
{
  return unit_props_add (props, name, variant_number (props->arena, 'b', value), err);
}

static int
add_text (struct unit_properties *props, const char *name, const char *text, struct err *err)
{
  return unit_props_add (props, name, variant_text (props->arena, text), err);
}

/* True if the hierarchy of CONTROLLER is one of v1: device rules of v2 are programs, which systemd leaves alone.  */
static bool
is_v1 (const struct cgroup *cg, const char *controller)
{
  const struct cgroup_dir *d = cgroup_dir_of (cg, controller);

  return d && ! cgroup_dir_is_v2 (d);
}

/* What every scope of ours has.  Accounting makes systemd enable the controllers, and delegation those that it does not use itself.  */
static int
add_own (const struct cgroup *cg, struct unit_properties *props, pid_t pid, struct err *err)
{
  const bool v1 = is_v1 (cg, "blkio"); /* where IOAccounting would make systemd look at none of its BlockIO... */
  const struct
  {
    const char *name;
    bool value;
  } flags[] = { { "Delegate", true },         { "DefaultDependencies", false }, { "CPUAccounting", true },
                { "MemoryAccounting", true }, { "IOAccounting", ! v1 },         { "TasksAccounting", true },
                { "BlockIOAccounting", true } };
  const size_t n_flags = sizeof flags / sizeof *flags - ! v1; /* the last is of v1 */
  struct variant *pids = variant_list (props->arena, "au", 1);
  int r = add_text (props, "Description", cg->description, err);

  if (r == 0)
    r = add_text (props, "Slice", cg->slice, err);
  if (pids)
    pids->items[0] = (struct variant){ .signature = "u", .number = (uint64_t) pid };
  if (r == 0)
    r = unit_props_add (props, "PIDs", pids, err);
  for (size_t i = 0; r == 0 && i < n_flags; i++)
    r = add_bool (props, flags[i].name, flags[i].value, err);
  if (r == 0) /* a container that was killed for its memory leaves no failed unit */
    r = add_text (props, "CollectMode", "inactive-or-failed", err);
  for (size_t i = 0; r == 0 && i < cg->asked->n; i++)
    r = unit_props_add (props, cg->asked->list[i].name, cg->asked->list[i].value, err);
  return r;
}

/* Adds the device rules of R and the default ones where systemd writes them.  */
static int
add_devices (const struct cgroup *cg, struct unit_properties *props, const struct oci_resources *r, struct err *err)
{
  struct device_rules rules;
  int ret = is_v1 (cg, "devices") ? cgroup_device_rules (r, &rules, err) : 1;

  if (ret != 0)
    return ret < 0 ? ret : 0;
  ret = cgroup_device_rules_reduce (&rules, err);
  if (ret == 0)
    ret = unit_props_devices (props, &rules, err);
  free (rules.rules);
  return err_in (err, ret, "linux.resources.devices");
}

/* True if NAME is a word of TEXT.  */
static bool
names (const char *text, const char *name)
{
  size_t len = strlen (name);

  for (const char *at = text; (at = strstr (at, name)); at += len)
    if ((at == text || ! isalnum ((unsigned char) at[-1])) && ! isalnum ((unsigned char) at[len]))
      return true;
  return false;
}

/* systemd has refused the unit, with what it says in ERR: mostly that names the property, but not where its type is wrong, which those of ours never is.
 * Returns R.  */
static int
blame_annotation (const struct cgroup *cg, int r, struct err *err)
{
  const struct unit_properties *asked = cg->asked;
  size_t i = 0, said = strlen (err ? err->what : "");

  if (err == NULL || asked->n == 0 || (r != -EINVAL && r != -ENXIO && r != -EROFS && r != -ERANGE))
    return r;
  while (i < asked->n && ! names (err->what, asked->list[i].name))
    i++;
  if (i == asked->n && r != -ENXIO)
    return r;
  if (i == asked->n && asked->n > 1)
    {
      (void) snprintf (err->what + said, sizeof err->what - said, ": which of these properties has a value of another type it does not say");
      return err_in (err, r, "annotations");
    }
  return err_in (err, r, "annotations[\"%.120s\"]", asked->list[i < asked->n ? i : 0].annotation);
}

/* The greatest number of WHAT, "cpu" or "node", that this machine can have; UINT_MAX: unknown.  */
static unsigned
last_of (const char *what)
{
  char path[64], text[256];
  const char *number;
  ssize_t n;

  (void) snprintf (path, sizeof path, "/sys/devices/system/%s/possible", what);
  n = file_read_small (AT_FDCWD, path, text, sizeof text); /* "0-3" */
  if (n <= 0)
    return UINT_MAX;
  number = text + n;
  while (number > text && (number[-1] == '\n' || isdigit ((unsigned char) number[-1])))
    number--;
  return (unsigned) strtoul (number, NULL, 10);
}

/* True if R asks for what becomes OOMPolicy, and systemd takes that of a scope; a running one is not given another.  */
static bool
can_have_oom_policy (struct systemd *s, const struct oci_resources *r)
{
  char version[VERSION_MAX];
  size_t i = 0;

  while (r && i < r->n_unified && strcmp (r->unified[i].key, "memory.oom.group") != 0)
    i++;
  if (r == NULL || i == r->n_unified || systemd_manager_text (s, "Version", version, sizeof version, NULL) < 0)
    return false;
  return strtoul (version + strcspn (version, "0123456789"), NULL, 10) >= OOM_POLICY_SINCE; /* "252.39-1", "v257" */
}

/* Starts the unit; one that appeared since the survey and has failed is forgotten.  */
static int
start_unit (struct cgroup *cg, const struct oci_resources *res, pid_t pid, struct err *err)
{
  struct oci_arena *arena = NULL;
  struct unit_properties props = { .arena = &arena };
  struct systemd *s = cg->scope->systemd;
  const struct unit_ask ask = { .cg = cg, .phase = CGROUP_LIMIT_EARLY, .oom_policy = can_have_oom_policy (s, res), .last = last_of };
  int r = add_own (cg, &props, pid, err);

  if (r == 0)
    r = unit_props_limits (&props, res, &ask, err);
  if (r == 0)
    r = add_devices (cg, &props, res, err);
  if (r == 0)
    r = systemd_start (s, cg->unit, &props, err);
  if (r == -EEXIST)
    {
      err_clear (err);
      r = make_way (cg, s, err);
      if (r == 0)
        r = systemd_start (s, cg->unit, &props, err);
      if (r == -EEXIST)
        {
          err_clear (err);
          r = disown (cg, err);
        }
    }
  oci_arena_free (arena);
  return r < 0 ? blame_annotation (cg, r, err) : r;
}

/* Finds where systemd has put PID.  */
static int
find_process (struct cgroup *cg, pid_t pid, struct err *err)
{
  struct cgroup_dir expected = *home (cg);
  struct cgroup at = { .driver = cg->driver, .dirs = &expected, .n_dirs = 1 };
  own_mem struct cgroup *now = NULL;
  int r = cgroup_of (&at, pid, &now, err);

  if (r < 0)
    return r;
  if (! unit_has_cgroup (cg->unit, now->dirs[0].path))
    return err_host (err, ESRCH, "systemd has started %s, but process %d is in cgroup %s: is systemd in another pid namespace than the runtime?", cg->unit,
                     pid, now->dirs[0].path);
  return settle (cg, "", now->dirs[0].path, err);
}

/* Makes the cgroup below the unit's, and the unit's where systemd has made none, and moves PID there.  */
static int
enter_all (struct cgroup *cg, pid_t pid, struct err *err)
{
  int r = 0;

  for (size_t i = 0; r == 0 && i < cg->n_dirs; i++)
    r = cgroup_dir_make (&cg->dirs[i], err);
  return r < 0 ? r : cgroup_add_pid (cg, pid, err);
}

int
cgroup_start (struct cgroup *cg, const struct oci_resources *r, pid_t pid, struct err *err)
{
  int ret = start_unit (cg, r, pid, err);

  if (ret == 0)
    ret = find_process (cg, pid, err);
  return ret == 0 && (cg->subgroup || cg->n_dirs > 1) ? enter_all (cg, pid, err) : ret;
}

/* 1 if the unit is there and ours; -EEXIST, with ERR untouched: it is another's; -ENOENT likewise: it is not there; or negative errno.  */
static int
is_ours (const struct cgroup *cg, struct systemd *s, struct err *err)
{
  own_mem char *text = malloc (DESCRIPTION_MAX);
  int r = text ? systemd_unit_text (s, cg->unit, "Description", text, DESCRIPTION_MAX, err) : err_sys (err, ENOMEM, "malloc", "unit");

  if (r == 0 && strcmp (text, cg->description) == 0)
    return 1;
  if (r == 0) /* a unit that has just gone is loaded anew by the question, as one of which nothing is known */
    r = systemd_unit_text (s, cg->unit, "ActiveState", text, DESCRIPTION_MAX, err);
  if (r == -ENOENT)
    err_clear (err);
  return r < 0 ? r : strcmp (text, "inactive") == 0 ? -ENOENT : -EEXIST;
}

int
cgroup_is_ours (const struct cgroup *cg, struct err *err)
{
  own_borrowed b = { .own = NULL };
  int r = cg->unit ? borrow (cg, &b, err) : 1;

  if (cg->unit && r == 0)
    r = is_ours (cg, b.systemd, err);
  return r == -ENOENT || r == -EEXIST ? 0 : r;
}

int
scope_stop (const struct cgroup *cg, struct err *err)
{
  own_borrowed b = { .own = NULL };
  int r = borrow (cg, &b, err);

  if (r == 0)
    r = is_ours (cg, b.systemd, err);
  return r < 0 ? r : systemd_stop (b.systemd, cg->unit, err);
}

/* The period that the cgroup has, or 0: unknown.  */
static uint64_t
period_now (const struct cgroup *cg)
{
  const struct cgroup_dir *d = cgroup_dir_of (cg, "cpu");
  bool v2 = d && cgroup_dir_is_v2 (d);
  const char *number;
  char text[64];

  if (d == NULL || cgroup_dir_read (d, v2 ? "cpu.max" : "cpu.cfs_period_us", text, sizeof text) <= 0)
    return 0;
  number = v2 ? strchr (text, ' ') : text;
  return number ? strtoull (number + (v2 ? 1 : 0), NULL, 10) : 0;
}

/* Sets PROPS.  With them systemd writes the device rules of v1 anew, all denied at first, which no process of the container is to meet: they hold
 * still meanwhile, if they can.  */
static int
set_unit (const struct cgroup *cg, struct systemd *s, const struct unit_properties *props, struct err *err)
{
  bool freeze = is_v1 (cg, "devices") && cgroup_frozen (cg) == 0;
  int r, thawed;
  sigset_t old;

  if (! freeze)
    return systemd_set (s, cg->unit, props, err);
  freezer_hold_signals (&old);
  freeze = cgroup_freeze (cg, true, NULL) == 0;
  r = systemd_set (s, cg->unit, props, err);
  thawed = freeze ? cgroup_freeze (cg, false, r < 0 ? NULL : err) : 0;
  freezer_release_signals (&old);
  return r < 0 ? r : thawed;
}

int
scope_limit (const struct cgroup *cg, const struct oci_resources *r, enum cgroup_limit_phase phase, struct err *err)
{
  struct oci_arena *arena = NULL;
  struct unit_properties props = { .arena = &arena };
  own_borrowed b = { .own = NULL };
  const struct unit_ask ask = { .cg = cg, .phase = phase & ~(unsigned) CGROUP_LIMIT_EARLY, .last = last_of }; /* set when the unit was started */
  int ret = unit_props_limits (&props, r, &ask, err);

  if (ret == 0 && props.n > 0)
    ret = borrow (cg, &b, err);
  if (ret == 0 && props.n > 0)
    ret = set_unit (cg, b.systemd, &props, err);
  oci_arena_free (arena);
  return ret < 0 ? ret : props.n > 0;
}

int
scope_update (const struct cgroup *cg, const struct oci_resources *r, struct cgroup_undo *undo, struct err *err)
{
  struct oci_arena *arena = NULL;
  struct unit_properties props = { .arena = &arena };
  own_borrowed b = { .own = NULL };
  const struct unit_ask ask = { .cg = cg, .phase = CGROUP_LIMIT_ALL, .update = true, .period = period_now (cg), .last = last_of };
  int ret = unit_props_limits (&props, r, &ask, err);

  undo->unit.arena = &undo->arena;
  if (ret == 0 && r->n_devices > 0)
    ret = add_devices (cg, &props, r, err);
  if (ret == 0 && props.n > 0)
    ret = borrow (cg, &b, err);
  if (ret == 0 && props.n > 0)
    ret = systemd_get (b.systemd, cg->unit, &props, &undo->unit, err);
  if (ret < 0)
    undo->unit.n = 0; /* nothing was set */
  if (ret == 0 && props.n > 0)
    ret = set_unit (cg, b.systemd, &props, err);
  oci_arena_free (arena);
  return ret < 0 ? ret : props.n > 0;
}

void
scope_undo (const struct cgroup *cg, const struct cgroup_undo *undo)
{
  own_borrowed b = { .own = NULL };

  if (undo->unit.n > 0 && borrow (cg, &b, NULL) == 0)
    (void) set_unit (cg, b.systemd, &undo->unit, NULL); /* the error is that of what came before */
}

int
scope_attach (const struct cgroup *cg, pid_t pid, struct err *err)
{
  own_borrowed b = { .own = NULL };
  const char *path = home (cg)->path, *below = strstr (path, cg->unit);
  int r = borrow (cg, &b, err);

  return r < 0 ? r : systemd_attach (b.systemd, cg->unit, below ? below + strlen (cg->unit) : "", pid, err);
}

void
cgroup_close (struct cgroup *cg)
{
  if (cg == NULL || cg->scope == NULL)
    return;
  systemd_close (cg->scope->systemd);
  free (cg->scope);
  cg->scope = NULL;
}
