/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of libocispec share: an object with a row of each kind, and helpers.  */
#ifndef TESTS_OCISPEC_SAMPLE_H
#define TESTS_OCISPEC_SAMPLE_H

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ocispec/table.h"

struct item
{
  const char *key; /* when it is in a map */
  const char *name;
  int32_t *size;
};

struct sample
{
  bool yes;
  bool sure;
  bool *maybe;
  int8_t i8;
  int16_t i16;
  int32_t i32;
  int64_t i64;
  uint8_t u8;
  uint16_t u16;
  uint32_t u32;
  uint64_t u64;
  int8_t *o8;
  uint16_t *o16;
  uint64_t *o64;
  int16_t *list16;
  size_t n_list16;
  uint64_t *list64;
  size_t n_list64;
  const char *text;
  const char *word;
  const char **texts;
  size_t n_texts;
  const char **words;
  size_t n_words;
  struct item *one;
  struct item *many;
  size_t n_many;
  struct oci_pair *pairs;
  size_t n_pairs;
  struct item *things;
  size_t n_things;
  struct item *planets;
  size_t n_planets;
};

/* What is measured rather than asked for.  */
struct gauge
{
  uint64_t share; /* hundredths */
  struct item part;
  struct oci_number *counts;
  size_t n_counts;
};

__attribute__ ((unused)) static const char *const sample_words[] = { "red", "green", NULL };
__attribute__ ((unused)) static const char *const sample_planets[] = { "mars", "venus", NULL };

/* One row per line, columns aligned.  */
/* clang-format off */
static OCI_TYPE (item,
  OCI_STR    (item, name, "name", OCI_REQUIRED),
  OCI_OPTNUM (item, size, "size"));

__attribute__ ((unused)) static OCI_TYPE (sample,
  OCI_BOOL    (sample, yes,    "yes",    0),
  OCI_BOOL    (sample, sure,   "sure",   OCI_REQUIRED),
  OCI_OPTBOOL (sample, maybe,  "maybe"),
  OCI_NUM     (sample, i8,     "i8",     0),
  OCI_NUM     (sample, i16,    "i16",    0),
  OCI_NUM     (sample, i32,    "i32",    0),
  OCI_NUM     (sample, i64,    "i64",    0),
  OCI_NUM     (sample, u8,     "u8",     0),
  OCI_NUM     (sample, u16,    "u16",    0),
  OCI_NUM     (sample, u32,    "u32",    0),
  OCI_NUM     (sample, u64,    "u64",    OCI_REQUIRED),
  OCI_OPTNUM  (sample, o8,     "o8"),
  OCI_OPTNUM  (sample, o16,    "o16"),
  OCI_OPTNUM  (sample, o64,    "o64"),
  OCI_NUMS    (sample, list16, "list16", 0),
  OCI_NUMS    (sample, list64, "list64", 0),
  OCI_STR     (sample, text,   "text",   0),
  OCI_ENUM    (sample, word,   "word",   0, sample_words),
  OCI_STRS    (sample, texts,  "texts",  0),
  OCI_ENUMS   (sample, words,  "words",  0, sample_words),
  OCI_OBJ     (sample, one,    "one",    0, item),
  OCI_OBJS    (sample, many,   "many",   0, item),
  OCI_STRMAP  (sample, pairs,  "pairs",  0),
  OCI_OBJMAP  (sample, things, "things", 0, item, key, NULL),
  OCI_OBJMAP  (sample, planets, "planets", 0, item, key, sample_planets),
  OCI_SKIP    ("windows"));

__attribute__ ((unused)) static OCI_TYPE (gauge,
  OCI_HUNDREDTHS (gauge, share,  "share", OCI_REQUIRED),
  OCI_PART       (gauge, part,   "part",  item),
  OCI_NUMMAP     (gauge, counts, "counts", 0));
/* clang-format on */

/* The members that every sample must have.  */
#define SAMPLE_MUST "\"sure\":true,\"u64\":1"

/* The name of a file or directory of the source tree, by the variable that automake sets for tests.  */
__attribute__ ((unused)) static const char *
source_path (char *buf, size_t size, const char *name)
{
  const char *dir = getenv ("srcdir");

  snprintf (buf, size, "%s/%s", dir ? dir : ".", name);
  return buf;
}

/* Reads a whole file; the test ends if that fails.  The caller frees it.  */
__attribute__ ((unused)) static char *
read_file (const char *path, size_t *ret_len)
{
  size_t size = 1 << 20;
  char *text = malloc (size);
  FILE *f = fopen (path, "r");

  if (f == NULL || text == NULL)
    fail_msg ("cannot read %s", path);
  *ret_len = fread (text, 1, size - 1, f);
  text[*ret_len] = '\0';
  fclose (f);
  return text;
}

/* Calls CHECK with each configuration that was captured from an engine.  Returns how many there are.  */
__attribute__ ((unused)) static int
for_each_config (void (*check) (const char *path, const char *text, size_t len))
{
  char dir_path[512], path[1024];
  DIR *dir = opendir (source_path (dir_path, sizeof dir_path, "tests/data/configs"));
  struct dirent *entry;
  int n = 0;

  if (dir == NULL)
    fail_msg ("no directory %s", dir_path);
  while ((entry = readdir (dir)))
    {
      const char *dot = strrchr (entry->d_name, '.');
      size_t len;
      char *text;

      if (dot == NULL || strcmp (dot, ".json") != 0)
        continue;
      snprintf (path, sizeof path, "%s/%s", dir_path, entry->d_name);
      text = read_file (path, &len);
      check (path, text, len);
      free (text);
      n++;
    }
  closedir (dir);
  return n;
}

#endif
