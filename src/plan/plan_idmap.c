/* SPDX-License-Identifier: Apache-2.0 */
/* The mappings of id-mapped mounts: those of the mount in the document, those of crun's "idmap=uids=...;gids=...", or
 * the container's.  See mount_setattr(2), "ID-mapped mounts", and config.md on idmap and ridmap. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "kernel/idmap.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/mounts.h"

static int
copy_list (const struct part *p, const struct oci_id_mapping *from, size_t n, struct idmap **ret_to, size_t *ret_n,
           struct err *err)
{
  struct idmap *to = plan_alloc (p->arena, n * sizeof *to);

  if (to == NULL)
    return part_nomem (err);
  for (size_t i = 0; i < n; i++)
    to[i] = (struct idmap){ from[i].container_id, from[i].host_id, from[i].size };
  *ret_to = to;
  *ret_n = n;
  return 0;
}

/* The numbers "A-B-C" up to END.  Returns false for anything else.  */
static bool
parse_triplet (const char *text, const char *end, uint32_t value[3])
{
  char word[64];
  size_t len = (size_t) (end - text);

  if (len >= sizeof word)
    return false;
  memcpy (word, text, len);
  word[len] = '\0';
  char *rest = word;
  for (int i = 0; i < 3; i++)
    {
      size_t digits = strcspn (rest, "-");
      bool last = rest[digits] == '\0';
      uint64_t number;

      rest[digits] = '\0';
      if (last != (i == 2) || str_u64 (rest, UINT32_MAX, &number) < 0)
        return false;
      value[i] = (uint32_t) number;
      rest += digits + 1;
    }
  return true;
}

/* "0-1000-10#@10-10-5", up to END: ids of the file system, of the host, how many; "@": the host's are given as the container's.  */
static int
parse_list (const struct mount_ask *ask, const char *text, const char *end, bool uids, struct plan_idmap *map,
            struct err *err)
{
  const struct plan_ns *ns = &ask->part->plan->ns;
  struct idmap *list = plan_alloc (ask->part->arena, IDMAP_MAX * sizeof *list);
  size_t n = 0;

  if (list == NULL)
    return part_nomem (err);
  while (text < end)
    {
      const char *stop = memchr (text, '#', (size_t) (end - text));
      bool relative = *text == '@';
      uint32_t v[3];

      stop = stop ? stop : end;
      if (n == IDMAP_MAX || ! parse_triplet (text + relative, stop, v))
        return err_in (err, err_spec (err, "", "\"%.*s\" is no mapping like 0-1000-10", (int) (stop - text), text),
                       "%s.options", ask->where);
      int64_t host = ! relative ? v[1]
                     : uids     ? idmap_translate (ns->uid_maps, ns->n_uid_maps, v[1])
                                : idmap_translate (ns->gid_maps, ns->n_gid_maps, v[1]);
      if (host < 0)
        return err_in (
            err, err_spec (err, "", "id %u of \"%.*s\" is not one of the container's", v[1], (int) (stop - text), text),
            "%s.options", ask->where);
      list[n++] = (struct idmap){ v[0], (uint32_t) host, v[2] };
      text = stop + (stop < end);
    }
  *(uids ? &map->uid : &map->gid) = list;
  *(uids ? &map->n_uid : &map->n_gid) = n;
  return 0;
}

/* "uids=...;gids=...", in any order.  */
static int
parse_words (const struct mount_ask *ask, struct plan_idmap *map, struct err *err)
{
  for (const char *word = ask->opt.idmap; *word;)
    {
      const char *end = word + strcspn (word, ";"), *uids = str_after (word, "uids="),
                 *gids = str_after (word, "gids=");
      int ret;

      if (uids == NULL && gids == NULL)
        return err_in (err, err_spec (err, "", "\"%.*s\" is neither uids= nor gids=", (int) (end - word), word),
                       "%s.options", ask->where);
      ret = parse_list (ask, uids ? uids : gids, end, uids != NULL, map, err);
      if (ret < 0)
        return ret;
      word = end + (*end == ';');
    }
  return 0;
}

/* The container's own: copied, or by the path of the namespace that it joins.  */
static int
take_container (const struct mount_ask *ask, struct plan_idmap *map, struct err *err)
{
  const struct plan_ns *ns = &ask->part->plan->ns;

  *map = (struct plan_idmap){ .uid = ns->uid_maps,
                              .n_uid = ns->n_uid_maps,
                              .gid = ns->gid_maps,
                              .n_gid = ns->n_gid_maps,
                              .recursive = map->recursive };
  if (ns->new_user)
    return 0;
  for (size_t i = 0; ns->joined_user && i < ns->n_joins; i++)
    if (strcmp (ns->joins[i].name, "user") == 0)
      {
        *map = (struct plan_idmap){ .userns = ns->joins[i].path, .recursive = map->recursive };
        return 0;
      }
  return err_in (
      err,
      err_spec (err, "",
                "idmap needs uidMappings and gidMappings, of the mount or of a user namespace of the container"),
      "%s.options", ask->where);
}

static int
check (const struct mount_ask *ask, const struct plan_idmap *map, struct err *err)
{
  const char *uid = plan_printf (ask->part->arena, "%s.uidMappings", ask->where);
  const char *gid = plan_printf (ask->part->arena, "%s.gidMappings", ask->where);

  if (uid == NULL || gid == NULL)
    return part_nomem (err);
  if (map->n_uid == 0 || map->n_gid == 0)
    return err_in (err, err_spec (err, "", "idmap needs mappings of both users and groups"), "%s.options", ask->where);
  int ret = idmap_check (uid, map->uid, map->n_uid, err);
  return ret < 0 ? ret : idmap_check (gid, map->gid, map->n_gid, err);
}

int
mounts_idmap (const struct mount_ask *ask, struct plan_mount *m, struct err *err)
{
  const struct oci_mount *o = ask->mount;
  struct plan_idmap *map;
  int ret;

  if (! (ask->opt.extra & MNTOPT_IDMAP) && o->n_uid_mappings == 0 && o->n_gid_mappings == 0)
    return 0;
  if (m->kind == PLAN_MOUNT_LEGACY || ! ask->part->host->mount_api)
    return err_in (err, err_host (err, ENOTSUP, "id-mapped mounts need mount_setattr (Linux 5.12)"), "%s.options",
                   ask->where);
  map = plan_alloc (ask->part->arena, sizeof *map);
  if (map == NULL)
    return part_nomem (err);
  map->recursive = (ask->opt.extra & MNTOPT_IDMAP_ALL) && m->recursive;
  m->idmap = map;
  m->from_parent = true; /* the file systems belong to the runtime's user namespace, and only it may map their owners */
  if (ask->opt.idmap)
    ret = parse_words (ask, map, err);
  else if (o->n_uid_mappings == 0)
    return take_container (ask, map, err);
  else
    {
      ret = copy_list (ask->part, o->uid_mappings, o->n_uid_mappings, &map->uid, &map->n_uid, err);
      if (ret == 0)
        ret = copy_list (ask->part, o->gid_mappings, o->n_gid_mappings, &map->gid, &map->n_gid, err);
    }
  return ret < 0 ? ret : check (ask, map, err);
}
