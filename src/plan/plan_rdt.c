/* SPDX-License-Identifier: Apache-2.0 */
/* The resctrl group of the container (config-linux.md, "IntelRdt"). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/rdt.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/part.h"

static bool
given (const char *text)
{
  return text && text[0] != '\0';
}

/* TEXT with LINE (LEN bytes) as one more line, or as its only one.  Returns NULL on a full arena.  */
static const char *
add_line (const struct part *p, const char *text, const char *line, size_t len)
{
  return text ? plan_printf (p->arena, "%s\n%.*s", text, (int) len, line) : plan_printf (p->arena, "%.*s", (int) len, line);
}

/* l3CacheSchema and memBwSchema as one text.  */
static int
combine (const struct part *p, const struct oci_intel_rdt *rdt, const char **ret_text, struct err *err)
{
  own_mem char *text = NULL;

  if (rdt_join (rdt->l3_cache_schema, rdt->mem_bw_schema, &text) < 0)
    return part_nomem (err);
  *ret_text = text ? plan_strdup (p->arena, text) : NULL;
  return text && *ret_text == NULL ? part_nomem (err) : 0;
}

static int
join (const struct part *p, const struct oci_intel_rdt *rdt, const char **ret_text, struct err *err)
{
  for (size_t i = 0; i < rdt->n_schemata; i++)
    if ((*ret_text = add_line (p, *ret_text, rdt->schemata[i], strlen (rdt->schemata[i]))) == NULL)
      return part_nomem (err);
  return 0;
}

int
plan_rdt (const struct part *p, struct err *err)
{
  const struct oci_linux *l = p->config->linux_;
  const struct oci_intel_rdt *rdt = l ? l->intel_rdt : NULL;
  struct plan_rdt *to;
  int ret;

  p->plan->in_rdt = rdt != NULL;
  if (rdt == NULL || p->plan->action == PLAN_EXEC)
    return 0; /* exec finds the group in the record */
  if (p->host->resctrl[0] == '\0')
    return err_in (err, err_host (err, ENOTSUP, "no resctrl file system is mounted"), "linux.intelRdt");
  to = plan_alloc (p->arena, sizeof *to);
  if (to == NULL)
    return part_nomem (err);
  to->named = given (rdt->clos_id);
  to->root = plan_strdup (p->arena, p->host->resctrl);
  to->group = plan_strdup (p->arena, ! to->named ? p->args->id : strcmp (rdt->clos_id, "/") == 0 ? "" : rdt->clos_id);
  to->monitor = rdt->enable_monitoring ? plan_strdup (p->arena, p->args->id) : NULL;
  if (to->root == NULL || to->group == NULL || (rdt->enable_monitoring && to->monitor == NULL))
    return part_nomem (err);
  ret = combine (p, rdt, &to->caches, err);
  if (ret == 0)
    ret = join (p, rdt, &to->schemata, err);
  p->plan->rdt = to;
  return ret;
}
