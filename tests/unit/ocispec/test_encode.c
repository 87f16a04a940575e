/* SPDX-License-Identifier: Apache-2.0 */
/* C structs as JSON, and back.  */
#include "sample.h"

#include "ocispec/config.h"
#include "ocispec/features.h"
#include "ocispec/state.h"

static void
check (const struct oci_type *type, const void *object, const char *want)
{
  char *text = NULL;
  size_t len;

  assert_int_equal (oci_encode (type, object, false, &text, &len), 0);
  assert_string_equal (text, want);
  assert_int_equal (len, strlen (want));
  free (text);
}

static void
oci_encode_leaves_absent_out (void **state)
{
  const struct sample s = { .yes = false };

  (void) state;
  check (&sample_type, &s, "{\"sure\":false,\"u64\":0}");
}

static void
oci_encode_each_kind (void **state)
{
  bool no = false;
  int8_t o8 = -1;
  uint16_t o16 = 0;
  uint64_t o64 = UINT64_MAX, list64[] = { 0, UINT64_MAX };
  int16_t list16[] = { -1, INT16_MIN };
  int32_t size = -5;
  const char *texts[] = { "", "b", NULL };
  struct item one = { .name = "o", .size = &size }, things[] = { { "k", "t", NULL } };
  struct oci_pair pairs[] = { { "p.q", "r" }, { "s", "" } };
  const struct sample s = { .yes = true,
                            .sure = true,
                            .maybe = &no,
                            .i8 = INT8_MIN,
                            .i16 = -2,
                            .i32 = INT32_MIN,
                            .i64 = INT64_MIN,
                            .u8 = UINT8_MAX,
                            .u16 = UINT16_MAX,
                            .u32 = UINT32_MAX,
                            .u64 = UINT64_MAX,
                            .o8 = &o8,
                            .o16 = &o16,
                            .o64 = &o64,
                            .list16 = list16,
                            .n_list16 = 2,
                            .list64 = list64,
                            .n_list64 = 2,
                            .text = "t",
                            .word = "red",
                            .texts = texts,
                            .n_texts = 2,
                            .one = &one,
                            .many = &one,
                            .n_many = 1,
                            .pairs = pairs,
                            .n_pairs = 2,
                            .things = things,
                            .n_things = 1 };

  (void) state;
  check (
      &sample_type, &s,
      "{\"yes\":true,\"sure\":true,\"maybe\":false,\"i8\":-128,\"i16\":-2,\"i32\":-2147483648,\"i64\":-9223372036854775808,"
      "\"u8\":255,\"u16\":65535,\"u32\":4294967295,\"u64\":18446744073709551615,\"o8\":-1,\"o16\":0,"
      "\"o64\":18446744073709551615,\"list16\":[-1,-32768],\"list64\":[0,18446744073709551615],\"text\":\"t\","
      "\"word\":\"red\",\"texts\":[\"\",\"b\"],\"one\":{\"name\":\"o\",\"size\":-5},\"many\":[{\"name\":\"o\",\"size\":-5}],"
      "\"pairs\":{\"p.q\":\"r\",\"s\":\"\"},\"things\":{\"k\":{\"name\":\"t\"}}}");
}

static void
oci_encode_measures (void **state)
{
  struct oci_number counts[] = { { "a b", UINT64_MAX }, { "c", 0 } };
  const struct gauge g = { .share = 1205, .part = { .name = "p" }, .counts = counts, .n_counts = 2 };
  const struct gauge none = { .share = 7, .part = { .name = "p" }, .counts = counts };

  (void) state;
  check (&gauge_type, &g, "{\"share\":12.05,\"part\":{\"name\":\"p\"},\"counts\":{\"a b\":18446744073709551615,\"c\":0}}");
  check (&gauge_type, &none, "{\"share\":0.07,\"part\":{\"name\":\"p\"},\"counts\":{}}");
}

static void
oci_encode_empty_is_not_absent (void **state)
{
  const char *none[] = { NULL };
  struct oci_pair pairs[1];
  const struct sample s = { .texts = none, .pairs = pairs, .text = "" };

  (void) state;
  check (&sample_type, &s, "{\"sure\":false,\"u64\":0,\"text\":\"\",\"texts\":[],\"pairs\":{}}");
}

static void
oci_encode_escapes (void **state)
{
  const struct sample s = { .text = "\"\\/\b\f\n\r\t\x01\x7f\xc3\xa4\xf0\x9f\x98\x80" };

  (void) state;
  check (&sample_type, &s,
         "{\"sure\":false,\"u64\":0,\"text\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\xc3\xa4\xf0\x9f\x98\x80\"}");
}

static void
oci_encode_refuses_what_is_not_utf8 (void **state)
{
  const struct sample s = { .text = "\xc0\x80" };
  char *text = NULL;
  size_t len = 7;

  (void) state;
  assert_int_equal (oci_encode (&sample_type, &s, true, &text, &len), -EILSEQ);
  assert_null (text);
  assert_int_equal (len, 7);
}

static void
oci_encode_pretty (void **state)
{
  const char *none[] = { NULL }, *one[] = { "x", NULL };
  const struct sample s = { .texts = none, .words = one, .n_words = 1 };
  char *text;

  (void) state;
  assert_int_equal (oci_encode (&sample_type, &s, true, &text, NULL), 0);
  assert_string_equal (text,
                       "{\n  \"sure\": false,\n  \"u64\": 0,\n  \"texts\": [],\n  \"words\": [\n    \"x\"\n  ]\n}\n");
  free (text);
}

/* What a hook reads, and what an engine asks for, to the byte.  */
static void
oci_encode_state (void **state)
{
  int32_t pid = 0;
  struct oci_pair annotations[] = { { "a", "b" } };
  const struct oci_state s = { .oci_version = "1.3.0",
                               .id = "c",
                               .pid = &pid,
                               .status = "stopped",
                               .bundle = "/b",
                               .annotations = annotations,
                               .n_annotations = 1 };

  (void) state;
  check (
      &oci_state_type, &s,
      "{\"ociVersion\":\"1.3.0\",\"id\":\"c\",\"pid\":0,\"status\":\"stopped\",\"bundle\":\"/b\",\"annotations\":{\"a\":\"b\"}}");
}

static void
oci_encode_features (void **state)
{
  bool yes = true, no = false;
  const char *none[] = { NULL };
  struct oci_feature apparmor = { .enabled = &yes }, selinux = { .enabled = NULL };
  struct oci_features_cgroup cgroup = { .v1 = &yes, .systemd_user = &no };
  struct oci_features_linux linux_
      = { .namespaces = none, .cgroup = &cgroup, .apparmor = &apparmor, .selinux = &selinux };
  const struct oci_features f = { .oci_version_min = "1.0.0", .oci_version_max = "1.3.0", .linux_ = &linux_ };

  (void) state;
  check (
      &oci_features_type, &f,
      "{\"ociVersionMin\":\"1.0.0\",\"ociVersionMax\":\"1.3.0\",\"linux\":{\"namespaces\":[],\"cgroup\":{\"v1\":true,"
      "\"systemdUser\":false},\"apparmor\":{\"enabled\":true},\"selinux\":{}}}");
}

/* TEXT decoded and encoded.  The caller frees it.  */
static char *
again (const char *path, const char *text, size_t len, bool pretty, size_t *ret_len)
{
  static struct oci_faults faults;
  struct oci_arena *arena = NULL;
  void *object;
  char *result;

  if (oci_decode (&oci_config_type, text, len, &object, &arena, &faults) < 0)
    fail_msg ("%s:%u: %s: %s", path, faults.fault[0].line, faults.fault[0].path, faults.fault[0].what);
  assert_int_equal (oci_encode (&oci_config_type, object, pretty, &result, ret_len), 0);
  oci_arena_free (arena);
  return result;
}

static void
check_config (const char *path, const char *text, size_t len)
{
  size_t len1, len2, len3;
  char *pretty = again (path, text, len, true, &len1), *terse = again (path, pretty, len1, false, &len2),
       *back = again (path, terse, len2, true, &len3);

  assert_true (len1 > len / 3);
  assert_true (len2 < len1);
  assert_int_equal (len1, len3);
  assert_string_equal (pretty, back);
  free (pretty);
  free (terse);
  free (back);
}

static void
oci_encode_captured_configs (void **state)
{
  (void) state;
  assert_true (for_each_config (check_config) >= 20);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (oci_encode_leaves_absent_out),
    cmocka_unit_test (oci_encode_each_kind),
    cmocka_unit_test (oci_encode_measures),
    cmocka_unit_test (oci_encode_empty_is_not_absent),
    cmocka_unit_test (oci_encode_escapes),
    cmocka_unit_test (oci_encode_refuses_what_is_not_utf8),
    cmocka_unit_test (oci_encode_pretty),
    cmocka_unit_test (oci_encode_state),
    cmocka_unit_test (oci_encode_features),
    cmocka_unit_test (oci_encode_captured_configs),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
