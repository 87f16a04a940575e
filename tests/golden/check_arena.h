/* SPDX-License-Identifier: Apache-2.0 */
/* A test of plans: everything that a plan points to lies in its arena, since the child
 * maps nothing else of the parent's memory.  A literal that slips into a plan works in the
 * parent and kills the child. */
#ifndef ORLOP_TEST_CHECK_ARENA_H
#define ORLOP_TEST_CHECK_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "plan/arena.h"
#include "plan/plan.h"

struct arena_check
{
  const struct plan_arena *arena;
  const char *wrong; /* the first member that points elsewhere, or NULL */
};

static void
check_pointer (struct arena_check *c, const char *member, const void *pointer)
{
  const char *p = pointer;

  if (c->wrong == NULL && p && (p < c->arena->base || p >= c->arena->base + c->arena->size))
    c->wrong = member;
}

static void
check_strings (struct arena_check *c, const char *member, const char *const *list)
{
  check_pointer (c, member, list);
  for (; list && c->wrong == NULL && *list; list++)
    check_pointer (c, member, *list);
}

static void
check_mount (struct arena_check *c, const struct plan_mount *m)
{
  check_pointer (c, "mounts[].where", m->where);
  check_pointer (c, "mounts[].target", m->target);
  check_pointer (c, "mounts[].place.name", m->place.name);
  check_pointer (c, "mounts[].fstype", m->fstype);
  check_pointer (c, "mounts[].source", m->source);
  check_pointer (c, "mounts[].opts", m->opts);
  check_pointer (c, "mounts[].legacy_data", m->legacy_data);
  for (size_t i = 0; c->wrong == NULL && i < m->n_opts; i++)
    {
      check_pointer (c, "mounts[].opts[].key", m->opts[i].key);
      check_pointer (c, "mounts[].opts[].value", m->opts[i].value);
    }
}

static void
check_paths (struct arena_check *c, const char *member, const struct plan_path *paths, size_t n)
{
  check_pointer (c, member, paths);
  for (size_t i = 0; c->wrong == NULL && i < n; i++)
    {
      check_pointer (c, member, paths[i].where);
      check_pointer (c, member, paths[i].path);
    }
}

static void
check_hooks (struct arena_check *c, const struct plan_hook *hooks, size_t n)
{
  check_pointer (c, "hooks", hooks);
  for (size_t i = 0; c->wrong == NULL && i < n; i++)
    {
      check_pointer (c, "hooks[].where", hooks[i].where);
      check_pointer (c, "hooks[].path", hooks[i].path);
      check_strings (c, "hooks[].argv", hooks[i].argv);
      check_strings (c, "hooks[].envp", hooks[i].envp);
    }
}

static void
check_root_and_dev (struct arena_check *c, const struct plan *p)
{
  check_pointer (c, "root.path", p->root.path);
  check_pointer (c, "mounts", p->mounts);
  check_pointer (c, "devices", p->devices);
  check_pointer (c, "links", p->links);
  for (size_t i = 0; i < p->n_mounts; i++)
    check_mount (c, &p->mounts[i]);
  for (size_t i = 0; i < p->n_devices; i++)
    {
      check_pointer (c, "devices[].where", p->devices[i].where);
      check_pointer (c, "devices[].path", p->devices[i].device.path);
    }
  for (size_t i = 0; i < p->n_links; i++)
    {
      check_pointer (c, "links[].path", p->links[i].path);
      check_pointer (c, "links[].to", p->links[i].to);
    }
}

static void
check_process (struct arena_check *c, const struct plan_process *p)
{
  check_strings (c, "process.argv", p->argv);
  check_strings (c, "process.envp", p->envp);
  check_pointer (c, "process.path_env", p->path_env);
  check_pointer (c, "process.cwd", p->cwd);
  check_pointer (c, "process.groups", p->groups);
  check_pointer (c, "process.rlimits", p->rlimits);
  check_pointer (c, "process.oom_score_adj", p->oom_score_adj);
  for (size_t i = 0; i < p->n_rlimits; i++)
    check_pointer (c, "process.rlimits[].where", p->rlimits[i].where);
}

static void
check_seccomp (struct arena_check *c, const struct plan_seccomp *s)
{
  check_pointer (c, "seccomp.code", s->code);
  check_pointer (c, "seccomp.listener_path", s->listener_path);
  check_pointer (c, "seccomp.listener_metadata", s->listener_metadata);
}

static void
check_names (struct arena_check *c, const struct plan *p)
{
  check_pointer (c, "id", p->id);
  check_pointer (c, "hostname", p->hostname);
  check_pointer (c, "domainname", p->domainname);
  check_pointer (c, "keyring", p->keyring);
  check_pointer (c, "sysctls", p->sysctls);
  check_pointer (c, "ns.joins", p->ns.joins);
  check_pointer (c, "ns.uid_maps", p->ns.uid_maps);
  check_pointer (c, "ns.gid_maps", p->ns.gid_maps);
  for (size_t i = 0; i < p->n_sysctls; i++)
    {
      check_pointer (c, "sysctls[].where", p->sysctls[i].where);
      check_pointer (c, "sysctls[].path", p->sysctls[i].path);
      check_pointer (c, "sysctls[].value", p->sysctls[i].value);
    }
  for (size_t i = 0; i < p->ns.n_joins; i++)
    {
      check_pointer (c, "ns.joins[].name", p->ns.joins[i].name);
      check_pointer (c, "ns.joins[].path", p->ns.joins[i].path);
      check_pointer (c, "ns.joins[].where", p->ns.joins[i].where);
    }
}

/* Returns NULL if PLAN lies in ARENA whole, else the name of a member that points elsewhere.  */
static inline const char *
check_arena (const struct plan_arena *arena, const struct plan *plan)
{
  struct arena_check c = { .arena = arena };
  const struct plan_hooks *h = &plan->hooks;

  check_pointer (&c, "plan", plan);
  check_names (&c, plan);
  check_root_and_dev (&c, plan);
  check_paths (&c, "masked", plan->masked, plan->n_masked);
  check_paths (&c, "readonly", plan->readonly, plan->n_readonly);
  check_process (&c, &plan->process);
  check_seccomp (&c, &plan->seccomp);
  check_hooks (&c, h->prestart, h->n_prestart);
  check_hooks (&c, h->create_runtime, h->n_create_runtime);
  check_hooks (&c, h->create_container, h->n_create_container);
  check_hooks (&c, h->start_container, h->n_start_container);
  check_hooks (&c, h->poststart, h->n_poststart);
  check_hooks (&c, h->poststop, h->n_poststop);
  return c.wrong;
}

#endif
