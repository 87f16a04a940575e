/* SPDX-License-Identifier: Apache-2.0 */
/* What annotations the host allows.  */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "ocispec/table.h"
#include "plan/annotations.h"

/* What annotations_check says of KEY where the host's file has TEXT.  */
static int
check (const char *text, const char *key, struct err *err)
{
  char name[] = "/tmp/orlop-annotations-XXXXXX";
  struct oci_pair given[] = { { "org.example", "1" }, { key, "2" } };
  int fd = mkstemp (name), ret;

  assert_true (fd >= 0);
  assert_int_equal (write (fd, text, strlen (text)), strlen (text));
  close (fd);
  ret = annotations_check (given, 2, name, err);
  unlink (name);
  return ret;
}

static void
annotations_check_without_a_file (void **state)
{
  struct oci_pair given[] = { { "org.criu.config", "1" }, { "org.systemd.property.Slice", "2" } };

  (void) state;
  assert_int_equal (annotations_check (given, 2, "/does/not/exist", NULL), 0);
  assert_int_equal (annotations_check (NULL, 0, "/does/not/exist", NULL), 0);
}

/* A missing file of a missing directory is none; a link to one is not.  */
static void
annotations_check_of_links_that_lead_nowhere (void **state)
{
  struct oci_pair given[] = { { "org.criu.config", "1" } };
  char dir[] = "/tmp/orlop-annotations-XXXXXX", path[64];
  struct err err = { 0 };

  (void) state;
  assert_non_null (mkdtemp (dir));
  assert_return_code (chdir (dir), errno);
  assert_return_code (symlink ("nowhere/at/all", "link"), errno);
  assert_return_code (symlink ("link", "second"), errno);
  assert_return_code (symlink (".", "here"), errno);
  (void) snprintf (path, sizeof path, "%s/here/missing/file", dir);
  assert_int_equal (annotations_check (given, 1, path, &err), 0);
  for (const char **name = (const char *[]){ "link", "second", "link/file", "here/link/file", "here/link", NULL }; *name; name++)
    {
      (void) snprintf (path, sizeof path, "%s/%s", dir, *name);
      err_clear (&err);
      assert_int_equal (annotations_check (given, 1, path, &err), -ENOENT);
      assert_non_null (strstr (err.what, "leads nowhere"));
    }
  (void) snprintf (path, sizeof path, "rm -r %s", dir);
  assert_int_equal (system (path), 0); /* NOLINT: a name of ours */
}

static void
annotations_check_needs_the_file_for_the_hosts_alone (void **state)
{
  struct oci_pair other[] = { { "org.opencontainers.image.stopSignal", "INT" }, { "org.criu.configuration", "x" }, { "org.systemd.property", "x" } };
  struct oci_pair hosts[] = { { "org.criu.config", "" } };

  (void) state;
  assert_int_equal (annotations_check (other, 3, "/tmp", NULL), 0);
  assert_int_equal (annotations_check (hosts, 1, "/tmp", NULL), -EISDIR);
}

static void
annotations_check_by_lines (void **state)
{
  static const struct
  {
    const char *text, *key;
    bool allowed;
  } cases[] = {
    { "", "org.criu.config", false },
    { "# org.criu.config\n", "org.criu.config", false },
    { "org.criu.config", "org.criu.config", true },
    { "  org.criu.config # what for\n", "org.criu.config", true },
    { "\n\norg.criu.config\r\n", "org.criu.config", true },
    { "org.criu.conf\n", "org.criu.config", false },
    { "org.criu.config.more\n", "org.criu.config", false },
    { "a\nrun.oci.*\n", "run.oci.delegate-cgroup", true },
    { "run.oci.*\n", "org.criu.config", false },
    { "org.systemd.property.MemoryMax\n", "org.systemd.property.MemoryMax", true },
    { "org.systemd.property.MemoryMax\n", "org.systemd.property.MemoryMaxPercent", false },
    { "org.systemd.property.\n", "org.systemd.property.MemoryMax", false },
    { "org.systemd.property.Memory*\n", "org.systemd.property.MemoryMax", true },
    { "*\n", "run.oci.systemd.subgroup", true },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct err err = { 0 };
      int ret = check (cases[i].text, cases[i].key, &err);

      if (ret != (cases[i].allowed ? 0 : -EINVAL))
        fail_msg ("\"%s\" with %s: %d", cases[i].text, cases[i].key, ret);
      assert_true (cases[i].allowed || strstr (err.where, cases[i].key));
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (annotations_check_without_a_file), cmocka_unit_test (annotations_check_of_links_that_lead_nowhere),
    cmocka_unit_test (annotations_check_needs_the_file_for_the_hosts_alone),
    cmocka_unit_test (annotations_check_by_lines),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
