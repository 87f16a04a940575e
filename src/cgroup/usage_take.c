/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of the kernel's files of use; see usage_take.h.  Kernels differ, and what a later one adds must not break us: lines that are not
 * as expected are passed over. */
#include "cgroup/usage_take.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "cgroup/usage.h"

/* The first word of *REST, which ends at one of DELIMITERS; NULL at the end.  Empty words are passed over.  */
static char *
next (char **rest, const char *delimiters)
{
  char *word;

  do
    word = strsep (rest, delimiters);
  while (word && *word == '\0');
  return word;
}

static bool
read_number (const char *word, uint64_t *ret)
{
  int r = word ? strcmp (word, "max") == 0 ? -ERANGE : str_u64 (word, UINT64_MAX, ret) : -EINVAL;

  if (r == -ERANGE)
    *ret = UINT64_MAX;
  return r != -EINVAL;
}

/* "12.34" as 1234.  */
static bool
read_hundredths (char *word, uint64_t *ret)
{
  char *whole = strsep (&word, ".");
  uint64_t n, hundredths = 0;

  if (! read_number (whole, &n) || n > UINT64_MAX / 100 - 1 || (word && (strlen (word) != 2 || ! read_number (word, &hundredths))))
    return false;
  *ret = 100 * n + hundredths;
  return true;
}

/* A copy for the JSON, which has only UTF-8: names of devices are their makers' to choose.  */
static const char *
copy (const struct usage_take *t, const char *text)
{
  char *got = oci_strndup (t->arena, text, strlen (text));

  if (got)
    str_make_utf8 (got);
  return got;
}

static void *
member (const struct usage_take *t)
{
  return (char *) t->usage + t->at;
}

static bool
is_there (const struct usage_take *t)
{
  void *items;

  memcpy (&items, member (t), sizeof items); /* pointers of many types; all have one representation */
  return items != NULL;
}

/* Sets the list at OFFSET: a pointer, and its length after it.  */
static void
set_list (const struct usage_take *t, size_t offset, void *items, size_t n)
{
  char *at = (char *) t->usage + offset;

  memcpy (at, &items, sizeof items);
  memcpy (at + sizeof items, &n, sizeof n);
}

/* Room for one item of SIZE bytes for each of DELIMITERS in TEXT, and two more, the last of which stays zeroed.  */
static void *
room (const struct usage_take *t, const char *text, const char *delimiters, size_t size)
{
  size_t n = 2;

  for (const char *p = text; (p = strpbrk (p, delimiters)); p++)
    n++;
  return oci_alloc (t->arena, n * size);
}

static void
set (uint64_t *at, uint64_t value, uint32_t scale)
{
  if (*at == 0 && __builtin_mul_overflow (value, scale ? scale : 1, at))
    *at = UINT64_MAX;
}

int
usage_take_number (const struct usage_take *t, char *text)
{
  uint64_t n;

  if (read_number (next (&text, " \n"), &n))
    set (member (t), n, 1);
  return 0;
}

int
usage_take_limit (const struct usage_take *t, char *text)
{
  return strncmp (text, "max", 3) == 0 ? 0 : usage_take_number (t, text);
}

int
usage_take_signed (const struct usage_take *t, char *text)
{
  const char *word = next (&text, " \n");

  if (word)
    (void) str_i64 (word, INT64_MIN, INT64_MAX, member (t)); /* what is no number leaves it */
  return 0;
}

/* KEY is one of T's: sets its member.  */
static void
set_key (const struct usage_take *t, const char *key, uint64_t value)
{
  for (const struct usage_key *k = t->keys; k->name; k++)
    if (strcmp (k->name, key) == 0)
      set ((uint64_t *) ((char *) t->usage + k->at), value, k->scale);
}

int
usage_take_keys (const struct usage_take *t, char *text)
{
  for (char *line; (line = next (&text, "\n"));)
    {
      const char *key = next (&line, " ");
      uint64_t n;

      if (key && read_number (next (&line, " "), &n))
        set_key (t, key, n);
    }
  return 0;
}

int
usage_take_map (const struct usage_take *t, char *text)
{
  struct oci_number *map;
  size_t n = 0;

  if (is_there (t))
    return 0;
  map = room (t, text, "\n", sizeof *map);
  if (map == NULL)
    return -ENOMEM;
  for (char *line; (line = next (&text, "\n"));)
    {
      const char *key = next (&line, " ");

      if (key == NULL || ! read_number (next (&line, " "), &map[n].value))
        continue;
      map[n].key = copy (t, key);
      if (map[n++].key == NULL)
        return -ENOMEM;
    }
  set_list (t, t->at, map, n);
  return 0;
}

int
usage_take_numbers (const struct usage_take *t, char *text)
{
  uint64_t *numbers;
  size_t n = 0;

  if (is_there (t))
    return 0;
  numbers = room (t, text, " \n", sizeof *numbers);
  if (numbers == NULL)
    return -ENOMEM;
  for (const char *word; (word = next (&text, " \n"));)
    n += read_number (word, &numbers[n]);
  set_list (t, t->at, numbers, n);
  return 0;
}

int
usage_take_percpu (const struct usage_take *t, char *text)
{
  struct usage_cpu_time *cpu = &t->usage->cpu.usage;
  uint64_t *user = room (t, text, "\n", sizeof *user), *kernel = room (t, text, "\n", sizeof *kernel), number;
  size_t n = 0;

  if (user == NULL || kernel == NULL)
    return -ENOMEM;
  if (strncmp (text, "cpu user system\n", strlen ("cpu user system\n")) != 0)
    return 0;
  (void) next (&text, "\n");
  for (char *line; (line = next (&text, "\n"));)
    if (read_number (next (&line, " "), &number) && read_number (next (&line, " "), &user[n])
        && read_number (next (&line, " "), &kernel[n]))
      n++;
  cpu->percpu_user = user;
  cpu->percpu_kernel = kernel;
  cpu->n_percpu_user = cpu->n_percpu_kernel = n;
  return 0;
}

/* Counts the numbers of ranges, or, with LIST, puts them there.  Those beyond 16 bits are none.  */
static size_t
expand (char *text, uint16_t *list)
{
  size_t n = 0;

  for (char *range; (range = next (&text, ",\n"));)
    {
      char *first = strsep (&range, "-");
      uint64_t from, to;

      if (str_u64 (first, UINT16_MAX, &from) < 0)
        continue;
      to = from;
      if (range && str_u64 (range, UINT16_MAX, &to) < 0)
        continue;
      for (uint64_t i = from; i <= to && n <= UINT16_MAX; i++, n++)
        if (list)
          list[n] = (uint16_t) i;
    }
  return n;
}

int
usage_take_list (const struct usage_take *t, char *text)
{
  char *again = oci_strndup (t->arena, text, strlen (text)); /* counting cuts it up */
  uint16_t *list = again && ! is_there (t) ? oci_alloc (t->arena, (expand (again, NULL) + 1) * sizeof *list) : NULL;

  if (again && is_there (t))
    return 0;
  if (list == NULL)
    return -ENOMEM;
  set_list (t, t->at, list, expand (text, list));
  return 0;
}

/* The four numbers of a line of pressure; what is missing stays 0.  */
static void
read_stall (char *line, struct usage_stall *stall)
{
  for (char *word; (word = next (&line, " "));)
    {
      const char *name = strsep (&word, "=");

      if (word == NULL)
        continue;
      if (strcmp (name, "avg10") == 0)
        (void) read_hundredths (word, &stall->avg10);
      else if (strcmp (name, "avg60") == 0)
        (void) read_hundredths (word, &stall->avg60);
      else if (strcmp (name, "avg300") == 0)
        (void) read_hundredths (word, &stall->avg300);
      else if (strcmp (name, "total") == 0)
        (void) read_number (word, &stall->total);
    }
}

int
usage_take_psi (const struct usage_take *t, char *text)
{
  struct usage_psi *psi = is_there (t) ? NULL : oci_alloc (t->arena, sizeof *psi);

  if (psi == NULL)
    return is_there (t) ? 0 : -ENOMEM;
  for (char *line; (line = next (&text, "\n"));)
    {
      const char *kind = next (&line, " ");

      if (kind && line && strcmp (kind, "some") == 0)
        read_stall (line, &psi->some);
      else if (kind && line && strcmp (kind, "full") == 0)
        read_stall (line, &psi->full);
    }
  memcpy (member (t), &psi, sizeof psi);
  return 0;
}

/* "8:0" */
static bool
read_device (char *word, struct usage_io_entry *e)
{
  const char *major = word ? strsep (&word, ":") : NULL;

  return word && str_u64 (major, UINT32_MAX, &e->major) == 0 && str_u64 (word, UINT32_MAX, &e->minor) == 0;
}

int
usage_take_ops (const struct usage_take *t, char *text)
{
  struct usage_io_entry *list;
  size_t n = 0;

  if (is_there (t))
    return 0;
  list = room (t, text, "\n", sizeof *list);
  if (list == NULL)
    return -ENOMEM;
  for (char *line; (line = next (&text, "\n"));)
    {
      struct usage_io_entry e = { 0 };
      const char *op, *value;

      if (! read_device (next (&line, " "), &e))
        continue;
      op = next (&line, " ");
      value = next (&line, " ");
      if (! read_number (value ? value : op, &e.value))
        continue;
      if (value && (e.op = copy (t, op)) == NULL)
        return -ENOMEM;
      list[n++] = e;
    }
  if (n > 0) /* else another scheduler may have counted: its files are tried next */
    set_list (t, t->at, list, n);
  return 0;
}

static const struct
{
  const char *name, *op;
  bool bytes;
} io_words[] = { { "rbytes", "Read", true },  { "wbytes", "Write", true },  { "dbytes", "Discard", true },
                 { "rios", "Read", false },   { "wios", "Write", false },   { "dios", "Discard", false } };

/* Adds WORD, "rbytes=123", of the device in E to the lists of B.  */
static void
add_io (struct usage_blkio *b, char *word, struct usage_io_entry e)
{
  const char *name = strsep (&word, "=");

  for (size_t i = 0; i < sizeof io_words / sizeof *io_words; i++)
    if (strcmp (io_words[i].name, name) == 0 && read_number (word, &e.value))
      {
        e.op = io_words[i].op;
        if (io_words[i].bytes)
          b->bytes[b->n_bytes++] = e;
        else
          b->served[b->n_served++] = e;
      }
}

int
usage_take_io (const struct usage_take *t, char *text)
{
  struct usage_blkio *b = &t->usage->blkio;

  if (b->bytes || b->served)
    return 0;
  b->bytes = room (t, text, "=", sizeof *b->bytes); /* of each '=' comes one entry at most */
  b->served = room (t, text, "=", sizeof *b->served);
  if (b->bytes == NULL || b->served == NULL)
    return -ENOMEM;
  for (char *line; (line = next (&text, "\n"));)
    {
      struct usage_io_entry e = { 0 };

      if (read_device (next (&line, " "), &e))
        for (char *word; (word = next (&line, " "));)
          add_io (b, word, e);
    }
  return 0;
}

int
usage_take_rdma (const struct usage_take *t, char *text)
{
  struct usage_rdma_entry *list;
  size_t n = 0;

  if (is_there (t))
    return 0;
  list = room (t, text, "\n", sizeof *list);
  if (list == NULL)
    return -ENOMEM;
  for (char *line; (line = next (&text, "\n"));)
    {
      const char *device = next (&line, " ");

      if (device == NULL)
        continue;
      list[n].device = copy (t, device);
      if (list[n].device == NULL)
        return -ENOMEM;
      for (char *word; (word = next (&line, " "));)
        {
          const char *name = strsep (&word, "=");
          uint64_t value;

          if (! read_number (word, &value))
            continue;
          if (value > UINT32_MAX)
            value = UINT32_MAX;
          if (strcmp (name, "hca_handle") == 0)
            list[n].handles = (uint32_t) value;
          else if (strcmp (name, "hca_object") == 0)
            list[n].objects = (uint32_t) value;
        }
      n++;
    }
  set_list (t, t->at, list, n);
  return 0;
}
