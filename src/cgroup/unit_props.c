/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of a unit; see unit_props.h.  Limits are converted from the text that goes into the file, so that unit and file cannot
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
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h"
#include "cgroup/variant.h"
#include "ocispec/linux.h"
#include "ocispec/table.h"

enum
{
  WEIGHT_IDLE = 0,      /* CPUWeight=idle on the bus (systemd 252) */
  WEIGHT_DEFAULT = 100, /* cpu.weight */
  SHARES_MIN = 2,       /* of cpu.shares (Linux: MIN_SHARES and MAX_SHARES) */
  SHARES_MAX = 262144,
  PERCENT_USEC = 10000, /* a percent of a second */
  BFQ_SAME = 100,       /* up to this systemd writes its weights as they are */
  BFQ_STEP = 11,        /* above, so many of its own are one of bfq's, */
  BFQ_LAST = 182,       /* and from this on its own do not suffice */
  BLOCK_WEIGHT_MAX = 1000,
  TASKS_EARLY = 1024,   /* this many leave the set-up alone, and need no message of their own */
  NAME_MIN = 3          /* of a property: the shortest of systemd's names, as runc asks */
};

#define SECOND_USEC 1000000
#define NO_LIMIT_V1 (INT64_MAX - 65535) /* memory of v1 says the greatest number of whole pages, of at most 64 KiB */

/* Which processes are in the unit nobody else may say.  */
static const char *const ours[] = { "PIDs", "PIDFDs", NULL };

/* What the runtime sets, too, in types that it can rely on: another one would be systemd's to refuse, when the process is there already and without a
 * word about which property it was.  */
static const struct
{
  const char *name, *signature, *words;
} known[] = {
  { "Description", "s", "'text'" },         { "Slice", "s", "'name.slice'" },
  { "CollectMode", "s", "'inactive'" },     { "Delegate", "b", "true or false" },
  { "CPUAccounting", "b", "true or false" }, { "DefaultDependencies", "b", "true or false" },
  { "IOAccounting", "b", "true or false" },  { "MemoryAccounting", "b", "true or false" },
  { "TasksAccounting", "b", "true or false" }, { "BlockIOAccounting", "b", "true or false" },
};

/* A value on its way.  */
struct job
{
  struct unit_properties *props;
  uint64_t period;
  const struct unit_ask *ask;
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
  props->list[props->n++] = (struct unit_property){ .name = name, .value = value };
  return 0;
}

static int
add_number (struct job *j, const char *name, uint64_t number)
{
  return unit_props_add (j->props, name, variant_number (j->props->arena, 't', number), j->err);
}

/* Reads "64M" in WORD, which it changes: files about memory take that (Linux: memparse), and others refuse it by themselves.  */
static bool
read_scaled (char *word, uint64_t *ret)
{
  static const char units[] = "kmgtpe";
  char *last = word + strlen (word) - 1;
  const char *unit = last > word ? strchr (units, tolower ((unsigned char) *last)) : NULL;
  unsigned shift = unit ? 10 * (unsigned) (unit - units + 1) : 0;
  uint64_t number;

  if (unit == NULL)
    return false;
  *last = '\0';
  if (str_u64 (word, UINT64_MAX >> shift, &number) < 0)
    return false;
  *ret = number << shift;
  return true;
}

/* Reads the word at *TEXT, a number, "max" or v1's "-1", and moves on behind it and its spaces.  Returns false for anything else.  */
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
  return strcmp (word, "max") == 0 || strcmp (word, "-1") == 0 || str_u64 (word, UINT64_MAX, ret) == 0 || read_scaled (word, ret);
}

static int
add_amount (struct job *j, const char *name, const char *text)
{
  uint64_t amount;

  if (! take_amount (&text, &amount) || *text)
    return 0;
  return add_number (j, name, amount < NO_LIMIT_V1 ? amount : UINT64_MAX);
}

static int
add_shares (struct job *j, const char *name, const char *text)
{
  uint64_t shares;

  if (! take_amount (&text, &shares) || *text)
    return 0;
  return add_number (j, name, shares < SHARES_MIN ? SHARES_MIN : shares > SHARES_MAX ? SHARES_MAX : shares);
}

/* systemd writes 100 + (N - 100) / 11 to blkio.bfq.weight for a BlockIOWeight N above 100, of which the greatest is 1000 (its cgroup.c: set_bfq_weight).  */
static int
add_block_weight (struct job *j, const char *name, const char *text)
{
  uint64_t weight;

  if (! take_amount (&text, &weight) || *text)
    return 0;
  if (weight > BFQ_SAME)
    weight = weight < BFQ_LAST ? BFQ_SAME + (weight - BFQ_SAME) * BFQ_STEP : BLOCK_WEIGHT_MAX;
  return add_number (j, name, weight);
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

/* Processors or nodes as bytes of bits, the lowest first.  The kernel takes more kinds of lists than systemd.  */
static int
add_list (struct job *j, const char *name, const char *text)
{
  struct bits bits;
  struct variant *v;
  const char *what = strcmp (name, "AllowedCPUs") == 0 ? "cpu" : "node";
  size_t n;

  if (bits_parse (text, &bits) < 0 && bits_expand (text, j->ask->last (what), &bits) < 0)
    return 0;
  n = bits_words (&bits);
  if (n == 0 && *text)
    return 0;
  n *= sizeof bits.word[0]; /* 0, for no text: no restriction any more */
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

/* "MAJOR:MINOR AMOUNT" of v1; 0 means NONE, or, if that is 0, nothing that systemd has a word for.  */
static int
add_one_device (struct job *j, const char *name, const char *text, uint64_t none)
{
  size_t len = strcspn (text, " ");
  const char *rest = text + len + strspn (text + len, " ");
  uint64_t amount;

  if (! take_amount (&rest, &amount) || *rest)
    return 0;
  amount = amount ? amount : none;
  return amount ? add_device (j, name, text, len, amount) : 0;
}

static int
add_device_rate (struct job *j, const char *name, const char *text)
{
  return add_one_device (j, name, text, UINT64_MAX);
}

static int
add_device_weight (struct job *j, const char *name, const char *text)
{
  return add_one_device (j, name, text, 0);
}

/* Of OOMPolicy systemd makes memory.oom.group.  */
static int
add_oom (struct job *j, const char *name, const char *text)
{
  uint64_t group;

  if (! j->ask->oom_policy || ! take_amount (&text, &group) || *text || group > 1)
    return 0;
  return unit_props_add (j->props, name, variant_text (j->props->arena, group ? "kill" : "continue"), j->err);
}

static int
add_none (struct job *j, const char *name, const char *text)
{
  (void) j, (void) name, (void) text;
  return 0;
}

static int (*const adders[]) (struct job *j, const char *name, const char *text) = {
  [CGROUP_UNIT_NONE] = add_none,   [CGROUP_UNIT_NUMBER] = add_amount, [CGROUP_UNIT_TASKS] = add_tasks,   [CGROUP_UNIT_IDLE] = add_idle,
  [CGROUP_UNIT_SHARES] = add_shares, [CGROUP_UNIT_BLOCK] = add_block_weight,
  [CGROUP_UNIT_QUOTA] = add_quota, [CGROUP_UNIT_LIST] = add_list,     [CGROUP_UNIT_WEIGHT] = add_weight, [CGROUP_UNIT_RATES] = add_rates,
  [CGROUP_UNIT_RATE] = add_device_rate, [CGROUP_UNIT_DEVICE] = add_device_weight,
  [CGROUP_UNIT_OOM] = add_oom,
};

/* Adds what TEXT for the file of ROW on v1 or V2 is in systemd's words.  */
static int
add_text (struct job *j, const struct cgroup_limit_row *row, bool v2, const char *text)
{
  return adders[v2 ? row->unit_kind : row->unit_v1_kind](j, v2 ? row->unit : row->unit_v1, text);
}

/* True if TEXT, which is to be set late if LATE, is for PHASE.  */
static bool
is_for (enum cgroup_limit_phase phase, bool late, const char *text)
{
  uint64_t tasks;

  if (late && take_amount (&text, &tasks) && tasks >= TASKS_EARLY)
    late = false;
  return phase & (late ? CGROUP_LIMIT_LATE : CGROUP_LIMIT_EARLY);
}

/* Which words are for the controller of ROW.  */
static bool
is_v2 (const struct cgroup *cg, const struct cgroup_limit_row *row)
{
  char controller[CGROUP_CONTROLLER_MAX];
  const struct cgroup_dir *d;

  cgroup_limit_controller (row, false, controller);
  d = cg ? cgroup_dir_of (cg, controller) : NULL;
  return d == NULL || cgroup_dir_is_v2 (d);
}

static int
add_row (struct job *j, const struct cgroup_limit_row *row, const struct oci_resources *r, const struct unit_ask *ask)
{
  bool late = row->flags & CGROUP_ROW_LATE, v2 = is_v2 (ask->cg, row);
  char text[CGROUP_LIMIT_TEXT_MAX];
  int ret = 0;

  for (size_t i = 0; ret == 0 && i < cgroup_limit_count (row, r); i++)
    if (row->text (&(struct cgroup_limit_ask){ .r = r, .i = i, .v2 = v2, .update = ask->update }, text, sizeof text) > 0
        && is_for (ask->phase, late, text))
      ret = add_text (j, row, v2, text);
  return ret;
}

/* Files that systemd writes, and that only `unified` can ask for.  */
static const struct cgroup_limit_row more[] = {
  { "", NULL, "memory.high", NULL, "MemoryHigh", .unit_kind = CGROUP_UNIT_NUMBER },
  { "", NULL, "memory.min", NULL, "MemoryMin", .unit_kind = CGROUP_UNIT_NUMBER },
  { "", NULL, "memory.oom.group", NULL, "OOMPolicy", .unit_kind = CGROUP_UNIT_OOM },
  { .where = NULL },
};

static const struct cgroup_limit_row *
row_of (const struct cgroup_limit_row *rows, const char *file)
{
  for (; rows->where; rows++)
    if (rows->v2 && rows->unit_kind != CGROUP_UNIT_NONE && strcmp (rows->v2, file) == 0)
      return rows;
  return NULL;
}

/* One file of v2, line by line.  */
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
          r = len ? add_text (j, row, true, line) : 0;
        }
      value += len + (value[len] == '\n');
    }
  return r;
}

/* True if all of CG is in the v2 hierarchy, in which systemd then has controllers.  */
static bool
is_pure (const struct cgroup *cg)
{
  return cg == NULL || (cg->n_dirs == 1 && cgroup_dir_is_v2 (&cg->dirs[0]));
}

int
unit_props_limits (struct unit_properties *props, const struct oci_resources *r, const struct unit_ask *ask, struct err *err)
{
  struct job j = { .props = props, .period = ask->period, .ask = ask, .err = err };
  int ret = 0;

  if (r && r->cpu && r->cpu->period && *r->cpu->period) /* on v1 the quota's text is without it */
    j.period = *r->cpu->period;
  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); r && ret == 0 && row->where; row++)
    ret = add_row (&j, row, r, ask);
  for (size_t i = 0; r && is_pure (ask->cg) && ret == 0 && i < r->n_unified; i++)
    if (is_for (ask->phase, str_after (r->unified[i].key, "pids.") != NULL, r->unified[i].value))
      ret = add_file (&j, r->unified[i].key, r->unified[i].value);
  return ret;
}

/* --- devices */

int
unit_props_devices_check (const struct device_rules *rules, struct err *err)
{
  if (rules->allow && rules->n > 0)
    return err_host (err, ENOTSUP, "on cgroup v1 systemd cannot deny single devices among allowed ones; use the driver \"cgroupfs\", or deny all first");
  for (size_t i = 0; i < rules->n; i++)
    if (rules->rules[i].major < 0 && rules->rules[i].minor >= 0)
      return err_host (err, ENOTSUP, "on cgroup v1 systemd cannot allow the devices of any major number with the minor number %d; use the driver \"cgroupfs\"",
                       rules->rules[i].minor);
  return 0;
}

/* A rule as an entry of DeviceAllow= (systemd.resource-control(5)): a node, all of a major number (systemd 240), or all of a type.  */
static int
fill_entry (struct oci_arena **arena, const struct devbpf_rule *rule, struct variant *ret)
{
  const char *type = rule->type == 'b' ? "block" : "char";
  struct variant *pair = variant_list (arena, "(ss)", 2);
  char device[64], access[4];

  if (rule->major < 0)
    (void) snprintf (device, sizeof device, "%s-*", type);
  else if (rule->minor < 0)
    (void) snprintf (device, sizeof device, "%s-%d", type, rule->major);
  else
    (void) snprintf (device, sizeof device, "/dev/%s/%d:%d", type, rule->major, rule->minor);
  (void) snprintf (access, sizeof access, "%s%s%s", rule->access & DEVBPF_READ ? "r" : "", rule->access & DEVBPF_WRITE ? "w" : "",
                   rule->access & DEVBPF_MKNOD ? "m" : "");
  if (pair == NULL)
    return -ENOMEM;
  pair->items[0] = (struct variant){ .signature = "s", .text = oci_strndup (arena, device, strlen (device)) };
  pair->items[1] = (struct variant){ .signature = "s", .text = oci_strndup (arena, access, strlen (access)) };
  *ret = *pair;
  return pair->items[0].text && pair->items[1].text ? 0 : -ENOMEM;
}

int
unit_props_devices (struct unit_properties *props, const struct device_rules *rules, struct err *err)
{
  size_t n = rules->allow ? 0 : rules->n;
  struct variant *none = variant_list (props->arena, "a(ss)", 0), *list = variant_list (props->arena, "a(ss)", n);
  int r = unit_props_devices_check (rules, err);

  if (r == 0)
    r = unit_props_add (props, "DevicePolicy", variant_text (props->arena, rules->allow ? "auto" : "strict"), err);
  if (r == 0) /* takes those of before away */
    r = unit_props_add (props, "DeviceAllow", none, err);
  for (size_t i = 0; r == 0 && list && i < n; i++)
    r = fill_entry (props->arena, &rules->rules[i], &list->items[i]) < 0 ? no_memory (err) : 0;
  return r < 0 || n == 0 ? r : unit_props_add (props, "DeviceAllow", list, err);
}

/* --- annotations */

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
check_known (const char *name, const struct variant *v, struct err *err)
{
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp (name, known[i].name) == 0 && strcmp (v->signature, known[i].signature) != 0)
      return err_spec (err, "", "is of another type in systemd: %s", known[i].words);
  return 0;
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
  if (r == 0)
    r = check_known (name, v, err);
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
      size_t before = props->n;
      int r = name ? add_annotation (props, name, annotations[i].value, err) : 0;

      for (size_t j = before; j < props->n; j++)
        props->list[j].annotation = annotations[i].key;
      if (r < 0)
        {
          if (err)
            err->where[0] = '\0';
          return err_in (err, r, "annotations[\"%.120s\"]", annotations[i].key);
        }
    }
  return 0;
}
