/* SPDX-License-Identifier: Apache-2.0 */
/* update: options become one document, each value in its form.  */
#include "program.h"

static void
update_documents (void **state)
{
  static const struct
  {
    const char *line, *json;
  } cases[] = {
    { "--memory 512", "{\"memory\": {\"limit\": 512}}" },
    { "--memory=64k", "{\"memory\": {\"limit\": 65536}}" },
    { "--memory=64KiB", "{\"memory\": {\"limit\": 65536}}" },
    { "--memory 1.5G", "{\"memory\": {\"limit\": 1610612736}}" },
    { "--memory 0.0001k", "{\"memory\": {\"limit\": 0}}" },
    { "--memory 2tb", "{\"memory\": {\"limit\": 2199023255552}}" },
    { "--memory 8191P", "{\"memory\": {\"limit\": 9222246136947933184}}" },
    { "--memory 3b", "{\"memory\": {\"limit\": 3}}" },
    { "--memory -1 --memory-swap -1", "{\"memory\": {\"limit\": -1, \"swap\": -1}}" },
    { "--memory-reservation 1m --kernel-memory 2m --kernel-memory-tcp 3m",
      "{\"memory\": {\"reservation\": 1048576, \"kernel\": 2097152, \"kernelTCP\": 3145728}}" },
    { "--pids-limit -1 --cpu-quota -1 --blkio-weight 10", "{\"blockIO\": {\"weight\": 10}, \"cpu\": {\"quota\": -1}, \"pids\": {\"limit\": -1}}" },
    { "--cpu-period 1 --cpu-burst 2 --cpu-rt-period 3 --cpu-rt-runtime 4 --cpu-share 5 --cpu-idle 1",
      "{\"cpu\": {\"period\": 1, \"burst\": 2, \"realtimePeriod\": 3, \"realtimeRuntime\": 4, \"shares\": 5, \"idle\": 1}}" },
    { "--cpuset-cpus 0-3,7 --cpuset-mems 0", "{\"cpu\": {\"cpus\": \"0-3,7\", \"mems\": \"0\"}}" },
    { "--cpuset-cpus _", "{\"cpu\": {\"cpus\": \"\"}}" },
    { "--cpu-share 1 --cpu-share 2", "{\"cpu\": {\"shares\": 2}}" },
    { "--cpu-share 18446744073709551615", "{\"cpu\": {\"shares\": 18446744073709551615}}" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      char line[256];

      (void) snprintf (line, sizeof line, "update %s c1", cases[i].line);
      assert_deed (line, "update", "c1");
      assert_string_equal (seen.json, cases[i].json);
      assert_string_equal (seen.resources, "");
    }
}

static void
update_with_a_document (void **state)
{
  static const char *const lines[] = { "update --resources=- c1", "update --resources - c1", "update -r - c1", "update c1 -r -" };

  (void) state;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    {
      assert_deed (lines[i], "update", "c1");
      assert_string_equal (seen.resources, "-");
      assert_string_equal (seen.json, "");
    }
}

static void
update_schemata (void **state)
{
  (void) state;
  assert_deed ("update --l3-cache-schema L3:0=f c1", "update", "c1");
  assert_string_equal (seen.schemata, "L3:0=f|");
  assert_string_equal (seen.json, "");
  assert_deed ("update --mem-bw-schema=MB:0=1 -r - c1", "update", "c1");
  assert_string_equal (seen.schemata, "|MB:0=1");
  assert_string_equal (seen.resources, "-");
}

static void
update_devices (void **state)
{
  (void) state;
  assert_deed ("update --device /dev/a --device=/dev/b:/dev/c:r --device-remove /dev/d c1", "update", "c1");
  assert_string_equal (seen.devices, "+/dev/a+/dev/b:/dev/c:r-/dev/d");
  assert_deed ("update --memory 1 --device-remove /dev/d c1", "update", "c1");
  assert_string_equal (seen.devices, "-/dev/d");
  assert_string_equal (seen.json, "{\"memory\": {\"limit\": 1}}");
}

static void
update_refuses (void **state)
{
  (void) state;
  assert_refused ("update c1", CMD_FAILED, "nothing to change is given");
  assert_refused ("update", CMD_FAILED, "an operand is missing");
  assert_refused ("update --memory 1 c1 c2", CMD_FAILED, "too many operands");
  assert_refused ("update --memory 1 -r - c1", CMD_FAILED, "either options or in the document");
  assert_refused ("update --memory 1.12345k c1", CMD_FAILED, "--memory takes bytes, as in 64m, or -1, not \"1.12345k\"");
  assert_refused ("update --memory 1z c1", CMD_FAILED, "--memory takes bytes");
  assert_refused ("update --memory 1ki c1", CMD_FAILED, "--memory takes bytes");
  assert_refused ("update --memory .5m c1", CMD_FAILED, "--memory takes bytes");
  assert_refused ("update --memory _ c1", CMD_FAILED, "--memory takes bytes");
  assert_refused ("update --memory 8192P c1", CMD_FAILED, "8192P is too much");
  assert_refused ("update --memory 8191.9999P --memory-swap 99999999999999999999999999999999 c1", CMD_FAILED, "--memory-swap");
  assert_refused ("update --cpu-period 1m c1", CMD_FAILED, "--cpu-period takes a number");
  assert_refused ("update --cpu-quota 9223372036854775808 c1", CMD_FAILED, "is too much");
  assert_refused ("update --cpuset-cpus 0\"} c1", CMD_FAILED, "--cpuset-cpus takes a list");
}

static void
update_help (void **state)
{
  (void) state;
  assert_help (&cmd_update);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (update_documents),
    program_test (update_with_a_document),
    program_test (update_schemata),
    program_test (update_devices),
    program_test (update_refuses),
    program_test (update_help),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
