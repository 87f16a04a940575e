/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/features.c: what is claimed is what the code does.  */
#include "in_text.h"

#include "kernel/mntopt.h"
#include "ocispec/features.h"
#include "ocispec/names.h"
#include "plan/annotations.h"
#include "plan/features.h"
#include "plan/semver.h"

static int
make (void **state)
{
  static struct document doc;
  own_mem char *json = NULL;

  assert_int_equal (features_make (&json, NULL), 0);
  doc = parse_text (json, &oci_features_type);
  *state = &doc;
  return 0;
}

static int
drop (void **state)
{
  document_close (*state);
  return 0;
}

static const struct oci_features *
features (void **state)
{
  return ((struct document *) *state)->object;
}

static bool
has (const char *const *list, const char *word)
{
  for (; list && *list; list++)
    if (strcmp (*list, word) == 0)
      return true;
  return false;
}

static void
features_versions (void **state)
{
  unsigned major;

  assert_true (semver_parse (features (state)->oci_version_min, &major) && major == 1);
  assert_true (semver_parse (features (state)->oci_version_max, &major) && major == 1);
}

static void
features_hooks (void **state)
{
  assert_int_equal (features (state)->n_hooks, 6);
  assert_true (has (features (state)->hooks, "createContainer"));
}

/* config.md: the options that a runtime MUST implement.  */
static void
features_mount_options (void **state)
{
  static const char *const must[] = {
    "async",       "atime",      "bind",        "defaults",  "dev",         "diratime",      "dirsync",     "exec",     "iversion",
    "lazytime",    "loud",       "noatime",     "nodev",     "nodiratime",  "noexec",        "noiversion",  "nolazytime", "norelatime",
    "nostrictatime", "nosuid",   "private",     "rbind",     "relatime",    "remount",       "ro",          "rprivate", "rshared",
    "rslave",      "runbindable", "rw",         "shared",    "silent",      "slave",         "strictatime", "suid",     "sync",
    "unbindable",
  };

  for (size_t i = 0; i < sizeof must / sizeof *must; i++)
    if (! has (features (state)->mount_options, must[i]))
      fail_msg ("%s is missing", must[i]);
}

static void
features_claim_nothing_that_is_refused (void **state)
{
  const struct oci_features *f = features (state);

  for (const struct mntopt_row *r = mntopt_rows (); r->name; r++)
    assert_true (has (f->mount_options, r->name));
  assert_true (has (f->linux_->namespaces, "time"));
  assert_int_equal (f->linux_->n_namespaces, 8);
  assert_true (*f->linux_->intel_rdt->enabled && *f->linux_->intel_rdt->schemata && *f->linux_->intel_rdt->monitoring);
  assert_true (*f->linux_->net_devices->enabled);
  assert_int_equal (*f->linux_->seccomp->enabled, HAVE_SECCOMP);
  assert_true (*f->linux_->apparmor->enabled);
  assert_true (*f->linux_->selinux->enabled);
  assert_true (*f->linux_->mount_extensions->idmap->enabled);
  for (const char *const *m = oci_memory_policy_mode_names; *m; m++)
    assert_true (has (f->linux_->memory_policy->modes, *m));
  for (const char *const *m = oci_memory_policy_flag_names; *m; m++)
    assert_true (has (f->linux_->memory_policy->flags, *m));
}

/* spec: 158, 169 */
static void
features_seccomp (void **state)
{
  const struct oci_features_seccomp *s = features (state)->linux_->seccomp;

  if (! HAVE_SECCOMP)
    {
      assert_null (s->actions);
      return;
    }
  for (const char *const *a = oci_seccomp_action_names; *a; a++)
    assert_true (has (s->actions, *a));
  for (const char *const *o = oci_seccomp_operator_names; *o; o++)
    assert_true (has (s->operators, *o));
  for (const char *const *a = oci_seccomp_arch_names; *a; a++)
    assert_true (has (s->archs, *a));
  for (const char *const *f = oci_seccomp_flag_names; *f; f++)
    assert_true (has (s->known_flags, *f));
  assert_int_equal (s->n_supported_flags, 3); /* all kernels have these */
  for (size_t i = 0; i < s->n_supported_flags; i++)
    assert_true (has (s->known_flags, s->supported_flags[i]));
}

static void
features_capabilities (void **state)
{
  assert_int_equal (features (state)->linux_->n_capabilities, 41);
  assert_true (has (features (state)->linux_->capabilities, "CAP_CHECKPOINT_RESTORE"));
}

/* config-linux.md, Memory policy: every mode and flag, by the table that makes numbers of them.  */
static void
features_memory_policy (void **state)
{
  const struct oci_features_memory_policy *m = features (state)->linux_->memory_policy;

  for (size_t i = 0; oci_memory_policy_mode_names[i]; i++)
    assert_true (has (m->modes, oci_memory_policy_mode_names[i]));
  for (size_t i = 0; oci_memory_policy_flag_names[i]; i++)
    assert_true (has (m->flags, oci_memory_policy_flag_names[i]));
}

/* features.md: annotations of a document that change what the runtime does; `kill` obeys the first (test_annotations.py), those that make
 * cgroups the others (tests/systemd, test_delegate.py), of which one is what their names begin with.  */
static void
features_unsafe_annotations (void **state)
{
  const struct oci_features *f = features (state);

  assert_int_equal (f->n_potentially_unsafe_config_annotations, 5);
  assert_true (has (f->potentially_unsafe_config_annotations, ANNOTATION_STOP_SIGNAL));
  assert_true (has (f->potentially_unsafe_config_annotations, "org.criu.config"));
  assert_true (has (f->potentially_unsafe_config_annotations, "org.systemd.property."));
  assert_true (has (f->potentially_unsafe_config_annotations, "run.oci.systemd.subgroup"));
  assert_true (has (f->potentially_unsafe_config_annotations, "run.oci.delegate-cgroup"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (features_unsafe_annotations),
    cmocka_unit_test (features_versions),      cmocka_unit_test (features_hooks),
    cmocka_unit_test (features_mount_options), cmocka_unit_test (features_claim_nothing_that_is_refused),
    cmocka_unit_test (features_capabilities),  cmocka_unit_test (features_memory_policy),
    cmocka_unit_test (features_seccomp),
  };

  return cmocka_run_group_tests (tests, make, drop);
}
