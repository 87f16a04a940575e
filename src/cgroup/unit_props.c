/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of a unit; see unit_props.h.  Limits are converted from the text that goes into the file of cgroup v2, so that unit and file cannot
 * disagree about what was asked for.  */
#include "cgroup/unit_props.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroup/variant.h"
#include "ocispec/linux.h"
#include "ocispec/table.h"

enum
{
  WEIGHT_IDLE = 0,      /* CPUWeight=idle on the bus (systemd 252) */
  WEIGHT_DEFAULT = 100, /* cpu.weight */
  PERCENT_USEC = 10000, /* a percent of a second */
  TASKS_EARLY = 1024,   /* this many leave the set-up alone, and need no message of their own */
  NAME_MIN = 3          /* of a property: the shortest of systemd's names, as runc asks */
};

#define SECOND_USEC 1000000

/* Which processes are in the unit nobody else may say.  */
static const char *const ours[] = { "PIDs", "PIDFDs", NULL };

/* A value on its way.  */
struct job
{
  struct unit_properties *props;
  uint64_t period;
  struct err *err;
};

static int
no_memory (struct err *err)
{
  return err_sys (err, ENOMEM, "malloc", "unit property");
}

static struct unit_property *
find (const struct unit_properties *props, const char *name)
{
  for (size_t i = 0; i < props->n; i++)
    if (strcmp (props->list[i].name, name) == 0)
      return &props->list[i];
  return NULL;
}

const struct variant *
unit_props_find (const struct unit_properties *props, const char *name)
{
  const struct unit_property *p = find (props, name);

  return p ? p->value : NULL;
}

int
unit_props_add (struct unit_properties *props, const char *name, const struct variant *value, struct err *err)
{
  struct unit_property *old = value && *value->signature != 'a' ? find (props, name) : NULL;

  if (value == NULL)
    return no_memory (err);
  if (old)
    {
      old->value = value;
      return 0;
    }
  if (props->n == props->size)
    {
      size_t size = props->size ? 2 * props->size : 32;
      struct unit_property *list = oci_alloc (props->arena, size * sizeof *list);

      if (list == NULL)
        return no_memory (err);
      if (props->n)
        memcpy (list, props->list, props->n * sizeof *list);
      props->list = list;
      props->size = size;
    }
  props->list[props->n++] = (struct unit_property){ name, value };
  return 0;
}

static int
add_number (struct job *j, const char *name, uint64_t number)
{
  return unit_props_add (j->props, name, variant_number (j->props->arena, 't', number), j->err);
}

/* Reads the word at *TEXT, a number or "max", and moves on behind it and its spaces.  Returns false for anything else.  */
static bool
take_amount (const char **text, uint64_t *ret)
{
  char word[24];
  size_t len = strcspn (*text, " \t\n");

  if (len == 0 || len >= sizeof word)
    return false;
  memcpy (word, *text, len);
  word[len] = '\0';
  *text += len;
  *text += strspn (*text, " \t\n");
  *ret = UINT64_MAX; /* systemd's infinity */
  return strcmp (word, "max") == 0 || str_u64 (word, UINT64_MAX, ret) == 0;
}

static int
add_amount (struct job *j, const char *name, const char *text)
{
  uint64_t amount;

  return take_amount (&text, &amount) && *text == '\0' ? add_number (j, name, amount) : 0;
}

static int
add_tasks (struct job *j, const char *name, const char *text)
{
  /* 0 is out of systemd's range.  In a cgroup that has a process 1 lets nobody fork either.  */
  return add_amount (j, name, strcmp (text, "0") == 0 ? "1" : text);
}

/* CPUWeight is one property for two files: what is not idle any more has the weight that is asked for beside it, or the kernel's.  */
static int
add_idle (struct job *j, const char *name, const char *text)
{
  if (strcmp (text, "1") == 0)
    return add_number (j, name, WEIGHT_IDLE);
  return find (j->props, name) ? 0 : add_number (j, name, WEIGHT_DEFAULT);
}

/* The quota is one per second on the bus.  In the unit's file, which systemd reads again at a reload, it is in whole percents (CPUQuota=), cut off: so it
 * is rounded up here, as runc does.  */
static int
add_quota (struct job *j, const char *name, const char *text)
{
  uint64_t quota, period = j->period ? j->period : UNIT_PERIOD_DEFAULT, per_second = UINT64_MAX;
  int r;

  if (! take_amount (&text, &quota) || (*text && (! take_amount (&text, &period) || *text)) || period == 0)
    return 0;
  if (quota != UINT64_MAX)
    {
      if (quota > UINT64_MAX / SECOND_USEC)
        return 0;
      per_second = quota * SECOND_USEC / period;
      per_second += per_second % PERCENT_USEC ? PERCENT_USEC - per_second % PERCENT_USEC : 0;
    }
  r = add_number (j, name, per_second);
  return r < 0 ? r : add_number (j, "CPUQuotaPeriodUSec", period);
}

/* Processors or nodes as bytes of bits, the lowest first.  */
static int
add_list (struct job *j, const char *name, const char *text)
{
  struct bits bits;
  struct variant *v;
  size_t n;

  if (bits_parse (text, &bits) < 0 || (n = bits_words (&bits)) == 0)
    return 0;
  n *= sizeof bits.word[0];
  v = variant_list (j->props->arena, "ay", n);
  for (size_t i = 0; v && i < n; i++)
    v->items[i] = (struct variant){ .signature = "y",
                                    .number = bits.word[i / sizeof bits.word[0]] >> (i % sizeof bits.word[0] * 8) & 0xff };
  return unit_props_add (j->props, name, v, j->err);
}

/* Adds NAME = [("/dev/block/MAJOR:MINOR", AMOUNT)].  */
static int
add_device (struct job *j, const char *name, const char *device, size_t len, uint64_t amount)
{
  struct variant *v = variant_list (j->props->arena, "a(st)", 1), *pair = v ? variant_list (j->props->arena, "(st)", 2) : NULL;
  char path[64];

  if (pair == NULL)
    return no_memory (j->err);
  (void) snprintf (path, sizeof path, "/dev/block/%.*s", (int) len, device);
  pair->items[0] = (struct variant){ .signature = "s", .text = oci_strndup (j->props->arena, path, strlen (path)) };
  pair->items[1] = (struct variant){ .signature = "t", .number = amount };
  v->items[0] = *pair;
  return unit_props_add (j->props, name, pair->items[0].text ? v : NULL, j->err);
}

static int
add_weight (struct job *j, const char *name, const char *text)
{
  size_t len = strcspn (text, " ");
  const char *rest = text + len + strspn (text + len, " ");
  uint64_t weight;

  (void) name; /* which of the two, the text says */
  if (memchr (text, ':', len) == NULL)
    return add_amount (j, "IOWeight", str_after (text, "default ") ? rest : text);
  return take_amount (&rest, &weight) && *rest == '\0' ? add_device (j, "IODeviceWeight", text, len, weight) : 0;
}

static int
add_rates (struct job *j, const char *name, const char *text)
{
  static const struct
  {
    const char *key, *name;
  } rates[] = { { "rbps=", "IOReadBandwidthMax" }, { "wbps=", "IOWriteBandwidthMax" }, { "riops=", "IOReadIOPSMax" }, { "wiops=", "IOWriteIOPSMax" } };
  size_t len = strcspn (text, " ");
  const char *rest = text + len;
  int r = 0;

  (void) name;
  while (r == 0 && *(rest += strspn (rest, " ")))
    {
      size_t i = 0;
      uint64_t amount;
      const char *value = NULL;

      while (i < sizeof rates / sizeof *rates && (value = str_after (rest, rates[i].key)) == NULL)
        i++;
      if (value == NULL || ! take_amount (&value, &amount))
        return 0;
      rest = value;
      r = add_device (j, rates[i].name, text, len, amount);
    }
  return r;
}

static int
add_none (struct job *j, const char *name, const char *text)
{
  (void) j, (void) name, (void) text;
  return 0;
}

static int (*const adders[]) (struct job *j, const char *name, const char *text) = {
  [CGROUP_UNIT_NONE] = add_none,   [CGROUP_UNIT_NUMBER] = add_amount, [CGROUP_UNIT_TASKS] = add_tasks,   [CGROUP_UNIT_IDLE] = add_idle,
  [CGROUP_UNIT_QUOTA] = add_quota, [CGROUP_UNIT_LIST] = add_list,     [CGROUP_UNIT_WEIGHT] = add_weight, [CGROUP_UNIT_RATES] = add_rates,
};

/* True if TEXT, which is to be set late if LATE, is for PHASE.  */
static bool
is_for (enum cgroup_limit_phase phase, bool late, const char *text)
{
  uint64_t tasks;

  if (late && take_amount (&text, &tasks) && tasks >= TASKS_EARLY)
    late = false;
  return phase & (late ? CGROUP_LIMIT_LATE : CGROUP_LIMIT_EARLY);
}

static int
add_row (struct job *j, const struct cgroup_limit_row *row, const struct oci_resources *r, enum cgroup_limit_phase phase, bool update)
{
  bool late = row->flags & CGROUP_ROW_LATE;
  char text[CGROUP_LIMIT_TEXT_MAX];
  int ret = 0;

  for (size_t i = 0; ret == 0 && i < cgroup_limit_count (row, r); i++)
    if (row->text (&(struct cgroup_limit_ask){ .r = r, .i = i, .v2 = true, .update = update }, text, sizeof text) > 0 && is_for (phase, late, text))
      ret = adders[row->unit_kind](j, row->unit, text);
  return ret;
}

/* Files that systemd writes, and that only `unified` can ask for.  */
static const struct cgroup_limit_row more[] = {
  { "", NULL, "memory.high", "MemoryHigh", .unit_kind = CGROUP_UNIT_NUMBER },
  { "", NULL, "memory.min", "MemoryMin", .unit_kind = CGROUP_UNIT_NUMBER },
  { .where = NULL },
};

static const struct cgroup_limit_row *
row_of (const struct cgroup_limit_row *rows, const char *file)
{
  for (; rows->where; rows++)
    if (rows->unit && rows->unit_kind != CGROUP_UNIT_NONE && strcmp (rows->v2, file) == 0)
      return rows;
  return NULL;
}

/* One file of `unified`, line by line.  */
static int
add_file (struct job *j, const char *file, const char *value)
{
  const struct cgroup_limit_row *row = row_of (cgroup_limit_rows (), file);
  char line[CGROUP_LIMIT_TEXT_MAX];
  int r = 0;

  row = row ? row : row_of (more, file);
  while (row && r == 0 && *value)
    {
      size_t len = strcspn (value, "\n");

      if (len < sizeof line)
        {
          memcpy (line, value, len);
          line[len] = '\0';
          r = len ? adders[row->unit_kind](j, row->unit, line) : 0;
        }
      value += len + (value[len] == '\n');
    }
  return r;
}

int
unit_props_limits (struct unit_properties *props, const struct oci_resources *r, enum cgroup_limit_phase phase, bool update, uint64_t period,
                   struct err *err)
{
  struct job j = { .props = props, .period = period, .err = err };
  int ret = 0;

  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); r && ret == 0 && row->where; row++)
    ret = add_row (&j, row, r, phase, update);
  for (size_t i = 0; r && ret == 0 && i < r->n_unified; i++)
    if (is_for (phase, str_after (r->unified[i].key, "pids.") != NULL, r->unified[i].value))
      ret = add_file (&j, r->unified[i].key, r->unified[i].value);
  return ret;
}

/* Makes of seconds, which V has in any type of numbers, microseconds.  */
static int
to_usec (const struct variant *v, uint64_t *ret, struct err *err)
{
  char type = *v->signature;

  if (v->signature[1] || strchr ("ynqiuxtd", type) == NULL)
    return err_spec (err, "", "a time in seconds must be a number");
  if ((strchr ("nix", type) && (int64_t) v->number < 0) || v->number > UINT64_MAX / SECOND_USEC || ! (v->real >= 0 && v->real < 1e12))
    return err_spec (err, "", "no number of seconds that systemd could have");
  *ret = type == 'd' ? (uint64_t) (v->real * SECOND_USEC) : v->number * SECOND_USEC;
  return 0;
}

/* NAME, which ends in Sec, on the bus.  */
static int
add_seconds (struct unit_properties *props, const char *name, const struct variant *v, struct err *err)
{
  size_t len = strlen (name) - 3;
  char *usec = oci_alloc (props->arena, len + sizeof "USec");
  uint64_t number = 0;
  int r = to_usec (v, &number, err);

  if (r < 0)
    return r;
  if (usec == NULL)
    return no_memory (err);
  (void) sprintf (usec, "%.*sUSec", (int) len, name);
  return unit_props_add (props, usec, variant_number (props->arena, 't', number), err);
}

static int
add_annotation (struct unit_properties *props, const char *name, const char *text, struct err *err)
{
  size_t len = strlen (name);
  struct variant *v;
  int r;

  for (const char *const *o = ours; *o; o++)
    if (strcmp (name, *o) == 0)
      return err_spec (err, "", "is the runtime's own to set");
  if (len < NAME_MIN || strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != len)
    return err_spec (err, "", "is no name of a property of systemd: it has at least %d letters and nothing else", NAME_MIN);
  r = variant_parse (text, props->arena, &v, err);
  if (r < 0)
    return r;
  if (len > 3 && strcmp (name + len - 3, "Sec") == 0 && islower ((unsigned char) name[len - 4]))
    return add_seconds (props, name, v, err);
  return unit_props_add (props, name, v, err);
}

int
unit_props_annotations (struct unit_properties *props, const struct oci_pair *annotations, size_t n, struct err *err)
{
  for (size_t i = 0; i < n; i++)
    {
      const char *name = str_after (annotations[i].key, UNIT_ANNOTATION);
      int r = name ? add_annotation (props, name, annotations[i].value, err) : 0;

      if (r < 0)
        {
          if (err)
            err->where[0] = '\0';
          return err_in (err, r, "annotations[\"%.120s\"]", annotations[i].key);
        }
    }
  return 0;
}
