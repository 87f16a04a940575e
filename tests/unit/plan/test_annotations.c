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
    cmocka_unit_test (annotations_check_without_a_file),
    cmocka_unit_test (annotations_check_needs_the_file_for_the_hosts_alone),
    cmocka_unit_test (annotations_check_by_lines),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
