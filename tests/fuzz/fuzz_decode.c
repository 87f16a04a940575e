/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: any bytes as any document.  The first byte chooses the document (see the letters below), the rest
 * is its text.  Beside memory errors it looks for broken promises: good documents encode, decode again and encode to
 * the same text; bad ones have faults with a place inside the text, which oci_locate survives.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Ilibocispec tests/fuzz/fuzz_decode.c libocispec/ocispec/[a-z]*.c
 * -lyajl
 *   ./a.out -dict=tests/fuzz/fuzz_decode.dict -max_len=8192 DIRECTORY tests/fuzz/seeds/decode
 *
 * With -DREPLAY it is a program that runs each file given, for compilers without libFuzzer.  */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demand.h"
#include "ocispec/config.h"
#include "ocispec/features.h"
#include "ocispec/state.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const struct
{
  char letter;
  const struct oci_type *type;
} documents[] = { { 'c', &oci_config_type }, { 'p', &oci_process_type },       { 'r', &oci_resources_type },
                  { 's', &oci_state_type },  { 'n', &oci_process_state_type }, { 'f', &oci_features_type } };

enum
{
  N_DOCUMENTS = sizeof documents / sizeof documents[0]
};

/* Faults are in order, and their places in the text.  */
static void
check_faults (const struct oci_faults *faults, const char *text, size_t len)
{
  unsigned last_line = 1, last_column = 1, n_lines = 1, line, column;

  for (size_t i = 0; i < len; i++)
    n_lines += text[i] == '\n';
  for (size_t i = 0; i < faults->n; i++)
    {
      const struct oci_fault *f = &faults->fault[i];

      demand (f->what[0] != '\0', "a fault has a sentence");
      demand (f->line >= last_line && (f->line > last_line || f->column >= last_column), "faults are ordered by place");
      demand (f->line <= n_lines && f->column <= len + 1, "the place is in the text");
      demand (memchr (f->path, '\n', sizeof f->path) == NULL && memchr (f->what, '\n', sizeof f->what) == NULL,
              "one line");
      if (i < 4)
        (void) oci_locate (text, len, f->path, &line, &column); /* any answer: the text may be no JSON */
      last_line = f->line;
      last_column = f->column;
    }
}

/* Decodes and encodes TEXT, which is good.  The caller frees the result.  */
static char *
again (const struct oci_type *type, const char *text, size_t len, bool pretty, size_t *ret_len)
{
  struct oci_arena *arena = NULL;
  char *result = NULL;
  void *object;

  demand (oci_decode (type, text, len, &object, &arena, NULL) == 0, "what was encoded decodes");
  demand (oci_encode (type, object, pretty, &result, ret_len) == 0, "what was decoded encodes");
  oci_arena_free (arena);
  return result;
}

static void
check_round (const struct oci_type *type, const char *text, size_t len)
{
  size_t len1, len2, len3;
  char *terse = again (type, text, len, false, &len1), *pretty = again (type, terse, len1, true, &len2),
       *back = again (type, pretty, len2, false, &len3);

  demand (len1 == len3 && memcmp (terse, back, len1) == 0, "the second encoding equals the first");
  free (terse);
  free (pretty);
  free (back);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static struct oci_faults faults;
  const struct oci_type *type = documents[0].type;
  struct oci_arena *arena = NULL;
  const char *text = (const char *) data + 1;
  void *object = NULL;
  int ret;

  if (size == 0)
    return 0;
  for (size_t i = 0; i < N_DOCUMENTS; i++)
    if (documents[i].letter == (char) data[0])
      type = documents[i].type;
  ret = oci_decode (type, text, size - 1, &object, &arena, &faults);
  demand ((ret == 0) == (faults.total == 0) && (ret == 0) == (object != NULL), "a result or faults");
  demand (faults.n == (faults.total < OCI_FAULTS_MAX ? faults.total : OCI_FAULTS_MAX), "faults are counted");
  oci_arena_free (arena);
  if (ret == 0)
    check_round (type, text, size - 1);
  else
    check_faults (&faults, text, size - 1);
  return 0;
}

#ifdef REPLAY
int
main (int argc, char **argv)
{
  static uint8_t data[1 << 20];

  for (int i = 1; i < argc; i++)
    {
      FILE *f = fopen (argv[i], "r");

      if (f == NULL)
        {
          perror (argv[i]);
          return 1;
        }
      LLVMFuzzerTestOneInput (data, fread (data, 1, sizeof data, f));
      fclose (f);
    }
  return 0;
}
#endif
