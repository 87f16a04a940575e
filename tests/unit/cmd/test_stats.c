/* SPDX-License-Identifier: Apache-2.0 */
/* stats: numbers as people read them, and shares from two readings.  */
#include "program.h"

#define UNKNOWN                                                                                                       \
  { 0, ORLOP_UNKNOWN, ORLOP_UNKNOWN, ORLOP_UNKNOWN, ORLOP_UNKNOWN, ORLOP_UNKNOWN, ORLOP_UNKNOWN, ORLOP_UNKNOWN,         \
    ORLOP_UNKNOWN, ORLOP_UNKNOWN }

#define TITLES "ID      CPU %     MEMORY      LIMIT      MEM %       PIDS  DISK READ    WRITTEN  NET RECEIVED       SENT\n"

static void
readings (const struct orlop_usage *usages, size_t n)
{
  answer.n_usages = 0;
  memcpy (answer.usages, usages, n * sizeof *usages);
}

static void
stats_table (void **state)
{
  static const struct orlop_usage two[] = {
    { .at_ns = 1000000000, .cpu_ns = 5000000000 },
    { .at_ns = 3000000000, .cpu_ns = 5500000000, .memory = 1536, .memory_limit = 1 << 20, .pids = 3, .pids_limit = 9, .io_read = 1023,
      .io_written = UINT64_C (3) << 40, .net_received = 1024 * 1024 - 1, .net_sent = ORLOP_UNKNOWN },
  };

  (void) state;
  readings (two, 2);
  assert_int_equal (orlop ("stats --no-stream --interval 1ns c1"), 0);
  assert_string_equal (seen.out, TITLES "c1      25.00     1.5KiB     1.0MiB       0.14          3      1023B     3.0TiB     1023.9KiB          -\n");
  assert_int_equal (answer.n_usages, 2);
}

static void
stats_json (void **state)
{
  static const struct orlop_usage two[] = {
    { .at_ns = 1, .cpu_ns = 1 },
    { .at_ns = 10001, .cpu_ns = 2, .memory = 3, .memory_limit = 6, .pids = 4, .pids_limit = 5, .io_read = 6, .io_written = 7, .net_received = 8,
      .net_sent = 9 },
  };

  (void) state;
  readings (two, 2);
  assert_int_equal (orlop ("stats --no-stream -f json --interval=1ns c1"), 0);
  assert_string_equal (seen.out, "[{\"id\":\"c1\",\"cpu_percent\":0.01,\"cpu_ns\":2,\"memory\":3,\"memory_limit\":6,\"memory_percent\":50.00,\"pids\":4,"
                                 "\"pids_limit\":5,\"io_read\":6,\"io_written\":7,\"net_received\":8,\"net_sent\":9}]\n");
}

static void
stats_of_what_is_not_known (void **state)
{
  static const struct orlop_usage two[] = { UNKNOWN, UNKNOWN };

  (void) state;
  readings (two, 2);
  answer.usage_ret[0] = answer.usage_ret[1] = -ENOTSUP;
  assert_int_equal (orlop ("stats --no-stream --interval=1ns c1"), 0);
  assert_string_equal (seen.out, TITLES "c1          -          -          -          -          -          -          -             -          -\n");
  readings (two, 2);
  assert_int_equal (orlop ("stats --no-stream --interval=1ns -f json c1"), 0);
  assert_string_equal (seen.out, "[{\"id\":\"c1\"}]\n");
}

/* A container of the same name that is a later one has used less; so much is not known of it.  */
static void
stats_of_a_new_one (void **state)
{
  static const struct orlop_usage two[] = { { .at_ns = 1, .cpu_ns = 100 }, { .at_ns = 2, .cpu_ns = 5, .memory = ORLOP_UNKNOWN } };

  (void) state;
  readings (two, 2);
  assert_int_equal (orlop ("stats --no-stream --interval=1ns c1"), 0);
  assert_non_null (strstr (seen.out, "\nc1          - "));
}

/* Of all, those that vanish are left out.  */
static void
stats_of_all (void **state)
{
  static const struct orlop_usage six[6] = { { .at_ns = 1 }, { .at_ns = 1 }, { .at_ns = 1 }, { .at_ns = 2 }, { .at_ns = 2 }, { .at_ns = 2 } };

  (void) state;
  readings (six, 6);
  answer.list[0].id = "a";
  answer.list[1].id = "b";
  answer.list[2].id = "c";
  answer.n_list = 3;
  answer.usage_ret[1] = -ESRCH;
  answer.usage_ret[3] = -ENOENT;
  answer.usage_ret[5] = -ENODEV;
  assert_int_equal (orlop ("stats --no-stream --interval=1ns -f json"), 0);
  assert_non_null (strstr (seen.out, "[{\"id\":\"b\",\"cpu_ns\":0,"));
  assert_null (strstr (seen.out, "\"a\""));
  assert_null (strstr (seen.out, "\"c\""));
}

static void
stats_stream_ends (void **state)
{
  static const struct orlop_usage three[] = { { .at_ns = 1 }, { .at_ns = 2 }, { .at_ns = 3 } };
  const char *second;

  (void) state;
  readings (three, 3);
  answer.usage_ret[2] = -ENOENT;
  assert_int_equal (orlop ("stats --interval=1ns c1"), 0);
  second = strstr (seen.out, "\n\n");
  assert_non_null (second);
  assert_null (strstr (second + 2, "\n\n"));
  assert_null (strchr (seen.out, '\033'));
}

static void
stats_failures (void **state)
{
  (void) state;
  assert_refused ("stats --format=xml", 1, "invalid format \"xml\"");
  assert_refused ("stats --interval=1", 1, "invalid duration");
  answer.usage_ret[0] = -ESRCH;
  assert_int_equal (orlop ("stats c1"), 1);
  assert_string_equal (seen.out, "");
  assert_string_equal (seen.err, "orlop: stats: the text (hint: advice)\n");
}

static void
stats_help (void **state)
{
  (void) state;
  assert_help (&cmd_stats);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (stats_table),       program_test (stats_json),        program_test (stats_of_what_is_not_known),
    program_test (stats_of_a_new_one), program_test (stats_of_all),     program_test (stats_stream_ends),
    program_test (stats_failures),    program_test (stats_help),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
