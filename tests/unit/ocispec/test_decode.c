/* SPDX-License-Identifier: Apache-2.0 */
/* Good documents: what becomes of each kind of property.  */
#include "sample.h"

#include "ocispec/config.h"
#include "ocispec/features.h"
#include "ocispec/state.h"

static struct oci_arena *arena;
static struct oci_faults faults;

static int
teardown (void **state)
{
  (void) state;
  oci_arena_free (arena);
  arena = NULL;
  return 0;
}

/* Decodes a copy of TEXT of exactly its size, which is gone afterwards, so that the sanitizer sees any use of it.  */
static void *
decode (const struct oci_type *type, const char *text)
{
  size_t len = strlen (text);
  char *copy = malloc (len ? len : 1);
  void *object = NULL;
  int ret;

  memcpy (copy, text, len);
  ret = oci_decode (type, copy, len, &object, &arena, &faults);
  free (copy);
  if (ret < 0)
    fail_msg ("%s: %u:%u: %s: %s", text, faults.fault[0].line, faults.fault[0].column, faults.fault[0].path,
              faults.fault[0].what);
  assert_int_equal (ret, 0);
  assert_int_equal (faults.total, 0);
  assert_non_null (object);
  return object;
}

static void
oci_decode_absent_is_null (void **state)
{
  static const struct sample nothing;
  struct sample *s = decode (&sample_type, "{" SAMPLE_MUST "}");

  (void) state;
  assert_true (s->sure);
  assert_int_equal (s->u64, 1);
  s->sure = false;
  s->u64 = 0;
  assert_memory_equal (s, &nothing, sizeof nothing);
}

static void
oci_decode_null_is_absent (void **state)
{
  static const struct sample nothing;
  struct sample *s
      = decode (&sample_type, "{" SAMPLE_MUST ",\"yes\":null,\"maybe\":null,\"i8\":null,\"o64\":null,\"list16\":null,"
                              "\"text\":null,\"word\":null,\"texts\":null,\"one\":null,\"many\":null,"
                              "\"pairs\":null,\"things\":null,\"windows\":null,\"unknown\":null}");

  (void) state;
  s->sure = false;
  s->u64 = 0;
  assert_memory_equal (s, &nothing, sizeof nothing);
}

static void
oci_decode_bools (void **state)
{
  struct sample *s = decode (&sample_type, "{\"sure\":false,\"u64\":0,\"yes\":true,\"maybe\":false}");

  (void) state;
  assert_false (s->sure);
  assert_true (s->yes);
  assert_non_null (s->maybe);
  assert_false (*s->maybe);
}

static void
oci_decode_smallest_numbers (void **state)
{
  struct sample *s
      = decode (&sample_type,
                "{\"sure\":true,\"u64\":0,\"i8\":-128,\"i16\":-32768,\"i32\":-2147483648,\"i64\":-9223372036854775808,"
                "\"u8\":0,\"u16\":0,\"u32\":-0,\"o8\":-128,\"o16\":0,\"o64\":0}");

  (void) state;
  assert_true (s->i8 == INT8_MIN && s->i16 == INT16_MIN && s->i32 == INT32_MIN && s->i64 == INT64_MIN);
  assert_true (s->u8 == 0 && s->u16 == 0 && s->u32 == 0 && s->u64 == 0);
  assert_true (*s->o8 == INT8_MIN && *s->o16 == 0 && *s->o64 == 0);
}

static void
oci_decode_largest_numbers (void **state)
{
  struct sample *s
      = decode (&sample_type, "{\"sure\":true,\"u64\":18446744073709551615,\"i8\":127,\"i16\":32767,\"i32\":2147483647,"
                              "\"i64\":9223372036854775807,\"u8\":255,\"u16\":65535,\"u32\":4294967295,\"o8\":127,"
                              "\"o16\":65535,\"o64\":18446744073709551615,\"list16\":[32767,-1,0],"
                              "\"list64\":[18446744073709551615,9007199254740993]}");

  (void) state;
  assert_true (s->i8 == INT8_MAX && s->i16 == INT16_MAX && s->i32 == INT32_MAX && s->i64 == INT64_MAX);
  assert_true (s->u8 == UINT8_MAX && s->u16 == UINT16_MAX && s->u32 == UINT32_MAX && s->u64 == UINT64_MAX);
  assert_true (*s->o8 == INT8_MAX && *s->o16 == UINT16_MAX && *s->o64 == UINT64_MAX);
  assert_int_equal (s->n_list16, 3);
  assert_true (s->list16[0] == INT16_MAX && s->list16[1] == -1 && s->list16[2] == 0);
  assert_int_equal (s->n_list64, 2);
  assert_true (s->list64[0] == UINT64_MAX && s->list64[1] == UINT64_C (9007199254740993)); /* no double holds it */
}

static void
oci_decode_strings (void **state)
{
  struct sample *s = decode (&sample_type, "{" SAMPLE_MUST
                                           ",\"text\":\"a\\\"\\\\\\/\\n\\u00e4\xc3\xa4\\ud83d\\ude00\xf0\x9f\x98\x80\","
                                           "\"word\":\"green\",\"texts\":[\"\",\"x\"],\"words\":[\"red\",\"red\"]}");

  (void) state;
  assert_string_equal (s->text, "a\"\\/\n\xc3\xa4\xc3\xa4\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
  assert_string_equal (s->word, "green");
  assert_int_equal (s->n_texts, 2);
  assert_string_equal (s->texts[0], "");
  assert_string_equal (s->texts[1], "x");
  assert_null (s->texts[2]);
  assert_int_equal (s->n_words, 2);
  assert_null (s->words[2]);
}

static void
oci_decode_empty_is_not_absent (void **state)
{
  struct sample *s
      = decode (&sample_type,
                "{" SAMPLE_MUST ",\"texts\":[],\"list16\":[],\"many\":[],\"pairs\":{},\"things\":{},\"text\":\"\"}");

  (void) state;
  assert_non_null (s->texts);
  assert_null (s->texts[0]);
  assert_int_equal (s->n_texts, 0);
  assert_non_null (s->list16);
  assert_non_null (s->many);
  assert_non_null (s->pairs);
  assert_non_null (s->things);
  assert_int_equal (s->n_list16 + s->n_many + s->n_pairs + s->n_things, 0);
  assert_string_equal (s->text, "");
}

static void
oci_decode_objects (void **state)
{
  struct sample *s
      = decode (&sample_type, "{" SAMPLE_MUST ",\"one\":{\"name\":\"a\",\"size\":-1},\"many\":[{\"name\":\"b\"},"
                              "{\"size\":2,\"name\":\"c\"}]}");

  (void) state;
  assert_string_equal (s->one->name, "a");
  assert_int_equal (*s->one->size, -1);
  assert_int_equal (s->n_many, 2);
  assert_string_equal (s->many[0].name, "b");
  assert_null (s->many[0].size);
  assert_int_equal (*s->many[1].size, 2);
}

static void
oci_decode_maps (void **state)
{
  struct sample *s
      = decode (&sample_type, "{" SAMPLE_MUST ",\"pairs\":{\"z\":\"1\",\"a.b\":\"\"},"
                              "\"things\":{\"\\u0078\":{\"name\":\"n\"},\"y\":{\"name\":\"m\",\"size\":3}},"
                              "\"planets\":{\"venus\":{\"name\":\"v\"}}}");

  (void) state;
  assert_int_equal (s->n_pairs, 2);
  assert_string_equal (s->pairs[0].key, "z");
  assert_string_equal (s->pairs[0].value, "1");
  assert_string_equal (s->pairs[1].key, "a.b");
  assert_string_equal (s->pairs[1].value, "");
  assert_int_equal (s->n_things, 2);
  assert_string_equal (s->things[0].key, "x");
  assert_string_equal (s->things[0].name, "n");
  assert_string_equal (s->things[1].key, "y");
  assert_int_equal (*s->things[1].size, 3);
  assert_string_equal (s->planets[0].key, "venus");
}

static void
oci_decode_measures (void **state)
{
  static const struct
  {
    const char *text;
    uint64_t share;
  } shares[] = { { "12.05", 1205 }, { "0.5", 50 }, { "3", 300 }, { "7.129", 712 }, { "184467440737095516.15", UINT64_MAX } };
  struct gauge *g = decode (&gauge_type, "{\"share\":0.01,\"part\":{\"name\":\"p\"},\"counts\":{\"a b\":18446744073709551615,\"c\":0}}");

  (void) state;
  assert_string_equal (g->part.name, "p");
  assert_int_equal (g->n_counts, 2);
  assert_string_equal (g->counts[0].key, "a b");
  assert_true (g->counts[0].value == UINT64_MAX);
  assert_string_equal (g->counts[1].key, "c");
  assert_int_equal (g->counts[1].value, 0);
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
    {
      char text[128];

      snprintf (text, sizeof text, "{\"share\":%s,\"part\":{\"name\":\"p\"}}", shares[i].text);
      g = decode (&gauge_type, text);
      assert_true (g->share == shares[i].share);
    }
}

static void
oci_decode_measures_that_are_none (void **state)
{
  static const char *const shares[] = { "-1", "1e2", "1.5e1", "184467440737095516.16", "99999999999999999999999999999999999999999999" };

  (void) state;
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
    {
      char text[128];
      void *object;

      snprintf (text, sizeof text, "{\"share\":%s,\"part\":{\"name\":\"p\"}}", shares[i]);
      assert_int_equal (oci_decode (&gauge_type, text, strlen (text), &object, &arena, &faults), -EINVAL);
      assert_int_equal (faults.total, 1);
      assert_string_equal (faults.fault[0].path, "share");
    }
}

static void
oci_decode_long_lists (void **state)
{
  size_t size = 1 << 20, n = 0;
  char *text = malloc (size);
  struct sample *s;

  (void) state;
  n += (size_t) snprintf (text, size, "{" SAMPLE_MUST ",\"many\":[");
  for (int i = 0; i < 1000; i++)
    n += (size_t) snprintf (text + n, size - n, "%s{\"name\":\"n%d\",\"size\":%d}", i ? "," : "", i, i);
  n += (size_t) snprintf (text + n, size - n, "],\"texts\":[");
  for (int i = 0; i < 1000; i++)
    n += (size_t) snprintf (text + n, size - n, "%s\"t%d\"", i ? "," : "", i);
  snprintf (text + n, size - n, "]}");
  s = decode (&sample_type, text);
  free (text);
  assert_int_equal (s->n_many, 1000);
  assert_int_equal (s->n_texts, 1000);
  for (int i = 0; i < 1000; i++)
    {
      char name[16];

      assert_int_equal (*s->many[i].size, i);
      snprintf (name, sizeof name, "n%d", i);
      assert_string_equal (s->many[i].name, name);
      name[0] = 't';
      assert_string_equal (s->texts[i], name);
    }
  assert_null (s->texts[1000]);
}

static void
oci_decode_keys_may_be_escaped (void **state)
{
  struct sample *s = decode (&sample_type, "{\"\\u0073ure\":true,\"u\\u00364\":7}");

  (void) state;
  assert_true (s->sure);
  assert_int_equal (s->u64, 7);
}

static void
oci_decode_unknown_is_counted (void **state)
{
  (void) state;
  decode (&sample_type, "{" SAMPLE_MUST ",\"one\":{\"name\":\"a\",\"x-y\":[1,{\"a\":null}],\"q\":1.5e300},\"\":{}}");
  assert_int_equal (faults.n_unknown, 3);
  assert_string_equal (faults.first_unknown, "one.x-y");
}

static void
oci_decode_other_platforms_are_skipped (void **state)
{
  struct oci_config *c
      = decode (&oci_config_type,
                "{\"ociVersion\":\"1.0.0\",\"windows\":{\"layerFolders\":[\"x\"]},\"solaris\":{\"a\":1},"
                "\"vm\":{},\"zos\":5,\"freebsd\":[[]],"
                "\"process\":{\"cwd\":\"/\",\"commandLine\":\"x\",\"user\":{\"uid\":1,\"gid\":2,\"username\":\"u\"}}}");

  (void) state;
  assert_int_equal (faults.n_unknown, 0);
  assert_int_equal (c->process->user->gid, 2);
}

static void
oci_decode_depth_is_enough (void **state)
{
  char text[256] = "{" SAMPLE_MUST ",\"deep\":";
  size_t n = strlen (text);

  (void) state;
  memset (text + n, '[', OCI_DEPTH_MAX - 1);
  memset (text + n + OCI_DEPTH_MAX - 1, ']', OCI_DEPTH_MAX - 1);
  strcpy (text + n + 2 * (OCI_DEPTH_MAX - 1), "}");
  decode (&sample_type, text);
}

static void
oci_decode_without_faults (void **state)
{
  static const char good[] = " {" SAMPLE_MUST "} \n\t", bad[] = "{\"u64\":true}";
  void *object = NULL;

  (void) state;
  assert_int_equal (oci_decode (&sample_type, good, strlen (good), &object, &arena, NULL), 0);
  assert_non_null (object);
  assert_int_equal (oci_decode (&sample_type, bad, strlen (bad), &object, &arena, NULL), -EINVAL);
  assert_int_equal (oci_decode (&sample_type, "{", 1, &object, &arena, NULL), -EINVAL);
}

static void
oci_decode_forgets_earlier_faults (void **state)
{
  void *object = NULL;

  (void) state;
  assert_int_equal (oci_decode (&sample_type, "{\"x\":1}", 7, &object, &arena, &faults), -EINVAL);
  assert_int_equal (faults.total, 2);
  assert_int_equal (faults.n_unknown, 1);
  assert_null (object);
  decode (&sample_type, "{" SAMPLE_MUST "}");
  assert_int_equal (faults.n, 0);
  assert_int_equal (faults.n_unknown, 0);
  assert_string_equal (faults.first_unknown, "");
}

static void
oci_decode_parts_are_documents (void **state)
{
  struct oci_process *p
      = decode (&oci_process_type, "{\"cwd\":\"/\",\"args\":[\"sh\"],\"execCPUAffinity\":{\"initial\":\"0\"},"
                                   "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":4}}");
  struct oci_resources *r = decode (&oci_resources_type,
                                    "{\"pids\":{},\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3}},\"unified\":{\"a\":\"b\"}}");
  struct oci_process_state *ps
      = decode (&oci_process_state_type, "{\"ociVersion\":\"1\",\"fds\":[\"seccompFd\"],\"pid\":1,\"state\":"
                                         "{\"ociVersion\":\"1\",\"id\":\"i\",\"status\":\"paused\",\"bundle\":\"/\"}}");
  struct oci_features *f
      = decode (&oci_features_type,
                "{\"ociVersionMin\":\"1\",\"ociVersionMax\":\"2\",\"linux\":{\"intelRdt\":{\"monitoring\":false}}}");

  (void) state;
  assert_string_equal (p->args[0], "sh");
  assert_int_equal (p->io_priority->priority, 4);
  assert_null (r->pids->limit);
  assert_string_equal (r->rdma[0].device, "mlx5_1");
  assert_int_equal (*r->rdma[0].hca_handles, 3);
  assert_string_equal (ps->state->status, "paused");
  assert_false (*f->linux_->intel_rdt->monitoring);
  assert_null (f->linux_->intel_rdt->enabled);
}

static void
check_config (const char *path, const char *text, size_t len)
{
  struct oci_arena *a = NULL;
  struct oci_config *c;
  void *object = NULL;

  if (oci_decode (&oci_config_type, text, len, &object, &a, &faults) < 0)
    fail_msg ("%s:%u: %s: %s", path, faults.fault[0].line, faults.fault[0].path, faults.fault[0].what);
  if (faults.n_unknown)
    fail_msg ("%s: unknown %s", path, faults.first_unknown);
  c = object;
  assert_non_null (c->root->path);
  assert_true (c->n_mounts > 0);
  assert_true (c->process->n_args > 0);
  assert_null (c->process->args[c->process->n_args]);
  assert_true (c->linux_->n_namespaces > 0);
  oci_arena_free (a);
}

static void
oci_decode_captured_configs (void **state)
{
  (void) state;
  assert_true (for_each_config (check_config) >= 20);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown (oci_decode_absent_is_null, teardown),
    cmocka_unit_test_teardown (oci_decode_null_is_absent, teardown),
    cmocka_unit_test_teardown (oci_decode_bools, teardown),
    cmocka_unit_test_teardown (oci_decode_smallest_numbers, teardown),
    cmocka_unit_test_teardown (oci_decode_largest_numbers, teardown),
    cmocka_unit_test_teardown (oci_decode_strings, teardown),
    cmocka_unit_test_teardown (oci_decode_empty_is_not_absent, teardown),
    cmocka_unit_test_teardown (oci_decode_objects, teardown),
    cmocka_unit_test_teardown (oci_decode_maps, teardown),
    cmocka_unit_test_teardown (oci_decode_measures, teardown),
    cmocka_unit_test_teardown (oci_decode_measures_that_are_none, teardown),
    cmocka_unit_test_teardown (oci_decode_long_lists, teardown),
    cmocka_unit_test_teardown (oci_decode_keys_may_be_escaped, teardown),
    cmocka_unit_test_teardown (oci_decode_unknown_is_counted, teardown),
    cmocka_unit_test_teardown (oci_decode_other_platforms_are_skipped, teardown),
    cmocka_unit_test_teardown (oci_decode_depth_is_enough, teardown),
    cmocka_unit_test_teardown (oci_decode_without_faults, teardown),
    cmocka_unit_test_teardown (oci_decode_forgets_earlier_faults, teardown),
    cmocka_unit_test_teardown (oci_decode_parts_are_documents, teardown),
    cmocka_unit_test_teardown (oci_decode_captured_configs, teardown),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
