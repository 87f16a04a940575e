/* SPDX-License-Identifier: Apache-2.0 */
/* A container that exists, opened for a deed; see known.h. */
#include "launch/known.h"

#include "ocispec/config.h"
#include "plan/make.h"

void
known_close (struct known *k)
{
  plan_arena_close (&k->plan_arena);
  oci_arena_free (k->arena);
  record_close (&k->dir);
}

int
known_open (struct known *k, const char *root, const char *id, bool lock, struct err *err)
{
  int ret = record_open (root, id, lock, &k->dir, err);

  return ret < 0 ? ret : record_load (&k->dir, &k->arena, &k->rec, err);
}

int
known_hooks (struct known *k, struct err *err)
{
  struct oci_config *config;
  int ret = record_config (&k->dir, &k->arena, &config, err);

  if (ret == 0)
    ret = plan_arena_open (&k->plan_arena, err);
  return ret < 0 ? ret : plan_make_hooks (&k->plan_arena, config, &k->hooks, err);
}
