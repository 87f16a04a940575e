/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules: from the document to a list in which the last match decides, from there to the exceptions
 * of cgroup v1.  Pure.  Never makes a rule wider than it was written. */
#include "cgroup/devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/limits.h" /* cgroup_device_is_default */
#include "ocispec/linux.h"

/* What every container may use: its default devices, terminals, tun (runc 4555: without it VPNs broke), and making any node, which
 * does not yet open it.  */
static const struct devbpf_rule defaults[] = {
  { true, 'c', DEVBPF_MKNOD, -1, -1 }, { true, 'b', DEVBPF_MKNOD, -1, -1 }, { true, 'c', DEVBPF_ALL, 1, 3 },
  { true, 'c', DEVBPF_ALL, 1, 5 },     { true, 'c', DEVBPF_ALL, 1, 7 },     { true, 'c', DEVBPF_ALL, 1, 8 },
  { true, 'c', DEVBPF_ALL, 1, 9 },     { true, 'c', DEVBPF_ALL, 5, 0 },     { true, 'c', DEVBPF_ALL, 5, 1 },
  { true, 'c', DEVBPF_ALL, 5, 2 },     { true, 'c', DEVBPF_ALL, 136, -1 },  { true, 'c', DEVBPF_ALL, 10, 200 },
};

enum
{
  N_DEFAULTS = sizeof defaults / sizeof *defaults
};

/* The letters of `access`.  Returns DEVBPF_* or -EINVAL.  */
static int
access_bits (const char *text)
{
  static const char letters[] = "mrw";
  static const int bits[] = { DEVBPF_MKNOD, DEVBPF_READ, DEVBPF_WRITE };
  int sum = 0;

  for (; text && *text; text++)
    {
      const char *at = strchr (letters, *text);
      if (at == NULL)
        return -EINVAL;
      sum |= bits[at - letters];
    }
  return sum ? sum : -EINVAL;
}

/* A device number: absent and -1 (Go's bindings) are all of them.  Returns 0 or -ERANGE.  */
static int
number (const int64_t *value, int32_t *ret_number)
{
  if (value && (*value < -1 || *value > INT32_MAX))
    return -ERANGE;
  *ret_number = value ? (int32_t) *value : -1;
  return 0;
}

static int
convert (const struct oci_device_rule *r, size_t i, struct devbpf_rule *ret_rule, struct err *err)
{
  int bits = access_bits (r->access);
  char where[64];

  (void) snprintf (where, sizeof where, "linux.resources.devices[%zu]", i);
  if (bits < 0) /* an absent one too: what it should mean differs between runtimes */
    return err_spec (err, where, "access must be one or more of r, w and m");
  *ret_rule = (struct devbpf_rule){ .allow = r->allow, .type = r->type && *r->type ? *r->type : 'a', .access = bits };
  if (strchr ("abc", ret_rule->type) == NULL)
    return err_spec (err, where, "type must be a, b or c");
  if (number (r->major, &ret_rule->major) < 0 || number (r->minor, &ret_rule->minor) < 0)
    return err_spec (err, where, "major or minor is no device number");
  return 0;
}

static bool
is_all (const struct devbpf_rule *r)
{
  return r->type == 'a' && r->major < 0 && r->minor < 0 && r->access == DEVBPF_ALL;
}

int
cgroup_device_rules (const struct oci_resources *r, struct device_rules *ret_rules, struct err *err)
{
  size_t given = r ? r->n_devices : 0;
  struct devbpf_rule *list = calloc (given + N_DEFAULTS, sizeof *list);
  struct device_rules made = { .rules = list };

  if (list == NULL)
    return err_sys (err, ENOMEM, "calloc", "device rules");
  for (size_t i = 0; i < given; i++)
    {
      struct devbpf_rule rule;
      int ret = convert (&r->devices[i], i, &rule, err);

      if (ret < 0)
        {
          free (list);
          return ret;
        }
      if (is_all (&rule))
        {
          made.n = 0;
          made.allow = rule.allow;
        }
      else
        list[made.n++] = rule;
    }
  memcpy (list + made.n, defaults, sizeof defaults);
  made.n += N_DEFAULTS;
  *ret_rules = made;
  return 0;
}

bool
cgroup_device_is_default (char type, unsigned major, unsigned minor)
{
  for (size_t i = 0; i < N_DEFAULTS; i++)
    {
      const struct devbpf_rule *r = &defaults[i];

      if (r->type == type && r->access == DEVBPF_ALL && (unsigned) r->major == major && (r->minor < 0 || (unsigned) r->minor == minor))
        return true;
    }
  return false;
}

bool
cgroup_device_rules_open (const struct device_rules *rules)
{
  for (size_t i = 0; i < rules->n; i++)
    if (! rules->rules[i].allow)
      return false;
  return rules->allow;
}

/* True if every device that B matches is matched by A.  */
static bool
covers (const struct devbpf_rule *a, const struct devbpf_rule *b)
{
  return a->type == b->type && (a->major < 0 || a->major == b->major) && (a->minor < 0 || a->minor == b->minor);
}

/* True if some device is matched by both.  */
static bool
overlaps (const struct devbpf_rule *a, const struct devbpf_rule *b)
{
  return a->type == b->type && (a->major < 0 || b->major < 0 || a->major == b->major)
         && (a->minor < 0 || b->minor < 0 || a->minor == b->minor);
}

/* Adds an exception, unless one says the same already.  */
static void
add_exception (struct device_rules *e, const struct devbpf_rule *rule)
{
  for (size_t i = 0; i < e->n; i++)
    {
      struct devbpf_rule *old = &e->rules[i];

      if (covers (old, rule) && (rule->access & ~old->access) == 0)
        return;
      if (covers (old, rule) && covers (rule, old)) /* the same devices */
        {
          old->access |= rule->access;
          return;
        }
    }
  e->rules[e->n++] = *rule;
}

/* Takes RULE, which says what holds anyway, out of the exceptions before it.  */
static int
remove_exception (struct device_rules *e, const struct devbpf_rule *rule, struct err *err)
{
  size_t n = 0;

  for (size_t i = 0; i < e->n; i++)
    {
      struct devbpf_rule old = e->rules[i];

      if (overlaps (rule, &old) && old.access & rule->access)
        {
          if (! covers (rule, &old))
            return err_spec (err, "linux.resources.devices",
                             "cgroup v1 cannot %s a part (%c %d:%d) of the devices that an earlier rule %s",
                             rule->allow ? "allow" : "deny", rule->type, rule->major, rule->minor,
                             rule->allow ? "denies" : "allows");
          old.access &= ~rule->access;
        }
      if (old.access)
        e->rules[n++] = old;
    }
  e->n = n;
  return 0;
}

int
cgroup_device_rules_reduce (struct device_rules *rules, struct err *err)
{
  static const char types[] = "cb";
  struct device_rules e = { .rules = calloc (2 * rules->n + 1, sizeof *e.rules), .allow = rules->allow };
  int r = e.rules ? 0 : err_sys (err, ENOMEM, "calloc", "device rules");

  for (size_t i = 0; r == 0 && i < rules->n; i++)
    for (const char *t = types; r == 0 && *t; t++)
      {
        /* "a" of devices.allow and devices.deny is always all devices and every access, so a rule for both types is two */
        struct devbpf_rule one = rules->rules[i];

        if (one.type != 'a' && one.type != *t)
          continue;
        one.type = *t;
        if (one.allow == rules->allow)
          r = remove_exception (&e, &one, err);
        else
          add_exception (&e, &one);
      }
  if (r < 0)
    {
      free (e.rules);
      return r;
    }
  free (rules->rules);
  *rules = e;
  return 0;
}

/* One line, "c 1:3 rwm".  Returns 0 or -EPROTO.  */
static int
parse_line (const char *line, struct devbpf_rule *ret_rule)
{
  char major[16], minor[16], access[4], type;
  uint64_t number[2] = { 0, 0 };
  const char *const text[2] = { major, minor };
  int bits;

  if (sscanf (line, "%c %15[0-9*]:%15[0-9*] %3[rwm]", &type, major, minor, access) != 4 || (bits = access_bits (access)) < 0)
    return -EPROTO;
  for (size_t i = 0; i < 2; i++)
    if (strcmp (text[i], "*") != 0 && str_u64 (text[i], INT32_MAX, &number[i]) < 0)
      return -EPROTO;
  *ret_rule = (struct devbpf_rule){ .allow = true, .type = type, .access = (uint8_t) bits,
                                    .major = *major == '*' ? -1 : (int32_t) number[0], .minor = *minor == '*' ? -1 : (int32_t) number[1] };
  return 0;
}

int
cgroup_device_rules_parse (const char *list, struct device_rules *ret_rules)
{
  struct device_rules made = { .rules = calloc (strlen (list) / 8 + 1, sizeof *made.rules) }; /* no line is shorter */
  int ret = made.rules ? 0 : -ENOMEM;

  for (const char *line = list; ret == 0 && *line; line += strcspn (line, "\n"), line += *line == '\n')
    {
      ret = parse_line (line, &made.rules[made.n]);
      if (ret == 0 && made.rules[made.n].type == 'a')
        made.allow = true;
      else if (ret == 0)
        made.n++;
    }
  if (ret < 0)
    free (made.rules);
  else
    *ret_rules = made;
  return ret;
}

int
cgroup_device_rules_surplus (const struct device_rules *old, const struct device_rules *new_rules, struct device_rules *ret_rules)
{
  struct device_rules made = { .rules = calloc (old->n + 1, sizeof *made.rules) };

  if (made.rules == NULL)
    return -ENOMEM;
  for (size_t i = 0; i < old->n; i++)
    {
      struct devbpf_rule r = old->rules[i];

      for (size_t j = 0; j < new_rules->n; j++)
        if (covers (&r, &new_rules->rules[j]) && covers (&new_rules->rules[j], &r)) /* the kernel takes out what was put in, device for device */
          r.access &= (uint8_t) ~new_rules->rules[j].access;
      if (r.access)
        made.rules[made.n++] = r;
    }
  *ret_rules = made;
  return 0;
}
