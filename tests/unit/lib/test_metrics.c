/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics text: what stands in each kind of line.  (A strict reader takes all of it in tests/cli/test_metrics.py.)  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics.h"

static char *
write (const struct metrics_of *list, size_t n)
{
  char *text = NULL;

  assert_int_equal (metrics_text (list, n, &text, NULL), 0);
  return text;
}

static void
has (const char *text, const char *line)
{
  const char *at = strstr (text, line);

  if (at == NULL || (at != text && at[-1] != '\n') || at[strlen (line)] != '\n')
    fail_msg ("no line %s", line);
}

static void
metrics_text_numbers (void **state)
{
  struct usage_psi psi = { .some = { .total = 1500001 } };
  const struct metrics_of one = { .id = "c",
                                  .status = "paused",
                                  .bundle = "/b",
                                  .used = true,
                                  .usage = { .cpu = { .usage = { .total = 1234567890123 }, .throttling = { .throttled_time = 5 } },
                                             .memory = { .usage = { .limit = UINT64_C (0x7ffffffffffff000), .usage = UINT64_MAX },
                                                         .swap = { .limit = 7, .usage = 6 }, .psi = &psi },
                                             .pids = { .current = 3 } } };
  char *text = write (&one, 1);

  (void) state;
  has (text, "# TYPE orlop_cpu_seconds counter");
  has (text, "# UNIT orlop_cpu_seconds seconds");
  has (text, "orlop_cpu_seconds_total{container=\"c\"} 1234.567890123");
  has (text, "orlop_cpu_throttled_seconds_total{container=\"c\"} 0.000000005");
  has (text, "orlop_memory_usage_bytes{container=\"c\"} 18446744073709551615");
  has (text, "orlop_memory_and_swap_limit_bytes{container=\"c\"} 7");
  has (text, "orlop_pressure_some_seconds_total{container=\"c\",resource=\"memory\"} 1.500001000");
  has (text, "orlop_pids{container=\"c\"} 3");
  has (text, "orlop_container_status{container=\"c\",status=\"paused\"} 1");
  has (text, "orlop_container_status{container=\"c\",status=\"running\"} 0");
  assert_null (strstr (text, "orlop_memory_limit_bytes{")); /* there is none */
  assert_null (strstr (text, "orlop_pids_limit{"));
  assert_null (strstr (text, "resource=\"cpu\""));
  assert_string_equal (text + strlen (text) - strlen ("\n# EOF\n"), "\n# EOF\n");
  free (text);
}

static void
metrics_text_lists (void **state)
{
  struct usage_io_entry bytes[] = { { 8, 0, 5, "Read" }, { 8, 0, 6, "Total" }, { 253, 1, 7, "Discard" }, { 8, 0, 8, NULL } };
  struct usage_hugetlb hugetlb[] = { { .size = "2MB", .usage = 9, .failcnt = 1 } };
  struct usage_network networks[] = { { .name = "eth0", .rx_bytes = 10, .tx_dropped = 11 } };
  struct usage_rdma_entry rdma[] = { { "mlx4_0", 12, 13 } };
  struct usage_rdma current = { .current = rdma, .n_current = 1 };
  struct metrics_of one = { .id = "c", .status = "running", .bundle = "/b", .used = true };
  char *text;

  (void) state;
  one.usage = (struct usage){ .blkio = { .bytes = bytes, .n_bytes = 4 }, .hugetlb = hugetlb, .n_hugetlb = 1, .networks = networks, .n_networks = 1,
                              .rdma = &current };
  text = write (&one, 1);
  has (text, "orlop_io_bytes_total{container=\"c\",device=\"8:0\",operation=\"read\"} 5");
  has (text, "orlop_io_bytes_total{container=\"c\",device=\"253:1\",operation=\"discard\"} 7");
  assert_null (strstr (text, "} 6\n"));
  assert_null (strstr (text, "} 8\n"));
  has (text, "orlop_hugetlb_usage_bytes{container=\"c\",size=\"2MB\"} 9");
  has (text, "orlop_hugetlb_limit_hits_total{container=\"c\",size=\"2MB\"} 1");
  has (text, "orlop_network_receive_bytes_total{container=\"c\",interface=\"eth0\"} 10");
  has (text, "orlop_network_transmit_dropped_total{container=\"c\",interface=\"eth0\"} 11");
  has (text, "orlop_rdma_handles{container=\"c\",device=\"mlx4_0\"} 12");
  has (text, "orlop_rdma_objects{container=\"c\",device=\"mlx4_0\"} 13");
  free (text);
}

static void
metrics_text_escapes (void **state)
{
  struct usage_network networks[] = { { .name = "a\"\\b" } };
  struct metrics_of one = { .id = "c", .status = "running", .bundle = "/\"x\"\\\ny\t\xc3\xa4", .used = true };
  char *text;

  (void) state;
  one.usage = (struct usage){ .networks = networks, .n_networks = 1 };
  text = write (&one, 1);
  has (text, "orlop_container_bundle{container=\"c\",bundle=\"/\\\"x\\\"\\\\\\ny\t\xc3\xa4\"} 1");
  has (text, "orlop_network_receive_bytes_total{container=\"c\",interface=\"a\\\"\\\\b\"} 0");
  free (text);
}

/* Of a container whose use is not known there is its status; families are there without any.  */
static void
metrics_text_without_use (void **state)
{
  const struct metrics_of list[] = { { .id = "b", .status = "running", .bundle = "/b" } };
  char *text = write (list, 1);

  (void) state;
  has (text, "orlop_container_status{container=\"b\",status=\"running\"} 1");
  assert_null (strstr (text, "orlop_pids{"));
  has (text, "# TYPE orlop_pids gauge");
  free (text);
  text = write (NULL, 0);
  assert_null (strstr (text, "container="));
  has (text, "# TYPE orlop_network_transmit_dropped counter");
  free (text);
}

/* The samples of one family stand together.  */
static void
metrics_text_in_families (void **state)
{
  const struct metrics_of list[] = { { .id = "a", .status = "x", .bundle = "/", .used = true }, { .id = "b", .status = "x", .bundle = "/", .used = true } };
  char *text = write (list, 2);

  (void) state;
  assert_non_null (strstr (text, "orlop_pids{container=\"a\"} 0\norlop_pids{container=\"b\"} 0\n# "));
  free (text);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (metrics_text_numbers),     cmocka_unit_test (metrics_text_lists),       cmocka_unit_test (metrics_text_escapes),
    cmocka_unit_test (metrics_text_without_use), cmocka_unit_test (metrics_text_in_families),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
