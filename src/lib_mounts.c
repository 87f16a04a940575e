/* SPDX-License-Identifier: Apache-2.0 */
/* mounts add, mounts remove: the document, an array of mounts as in config.json, to a plan. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "handle.h"
#include "kernel/idmap.h"
#include "kernel/ns.h"
#include "launch/launch.h"
#include "launch/live.h"
#include "ocispec/config.h"
#include "ocispec/text.h"
#include "plan/arena.h"
#include "plan/document.h"
#include "plan/host.h"
#include "plan/live.h"
#include "plan/rules.h"

#define PUBLIC __attribute__ ((visibility ("default")))

/* The document becomes the member of an object, so that its places read "mounts[3].options".  */
#define BEFORE "{\"mounts\":"

/* All that a change holds on its way.  */
struct change
{
  struct live live;
  struct document document;
  struct oci_config *config; /* the container's, with the document's mounts instead of its own */
  struct idmap_maps joined;  /* of a user namespace that is not the container's own */
  struct plan_arena arena;
  struct plan *plan;
};

/* Looks whether the LEN bytes of TEXT are one array and nothing else, as far as its brackets tell; the rest is for the decoder.  Returns where they are
 * something else, or LEN.  */
static size_t
other_than_array (const char *text, size_t len)
{
  size_t i = strspn (text, " \t\r\n"), depth = 0;
  bool string = false;

  if (i >= len)
    return 0;
  if (text[i] != '[')
    return i;
  for (; i < len; i++)
    if (string)
      {
        i += text[i] == '\\';
        string = i < len && text[i] != '"';
      }
    else if (text[i] == '"')
      string = true;
    else if (strchr ("[{", text[i]))
      depth++;
    else if (strchr ("]}", text[i]) && --depth == 0)
      break;
  return i >= len ? len : i + 1 + strspn (text + i + 1, " \t\r\n");
}

/* Checks that the LEN bytes of TEXT, which end with a NUL, are an array.  */
static int
check_array (const char *text, size_t len, struct err *err)
{
  size_t at = strlen (text) == len ? other_than_array (text, len) : strlen (text);
  int ret = len > 0 && at == len ? 0 : err_spec (err, "", "must be an array of mounts");

  if (ret < 0 && err)
    {
      err->line = err->column = 1;
      oci_text_place (text, 0, at, &err->line, &err->column);
    }
  return ret;
}

/* Reads FILE, which may be a pipe, "-" for standard input, and puts it into the object.  */
static ssize_t
read_text (const char *file, char **ret_text, struct err *err)
{
  own_mem char *text = NULL;
  bool input = strcmp (file, "-") == 0;
  own_fd int fd = input ? -1 : open (file, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  ssize_t len;
  int n, ret;

  if (! input && fd < 0)
    return err_sys (err, errno, "open", "%s", file);
  len = file_read_stream (input ? STDIN_FILENO : fd, file, OCI_DOCUMENT_MAX, &text, err);
  if (len < 0)
    return len;
  ret = check_array (text, (size_t) len, err);
  if (ret < 0)
    return ret;
  n = asprintf (ret_text, BEFORE "%s}", text);
  return n < 0 ? err_sys (err, ENOMEM, "malloc", "%s", file) : n;
}

/* The place of an error in the file itself.  */
static void
move_back (struct err *err)
{
  if (err && err->line == 1 && err->column >= sizeof BEFORE)
    err->column -= sizeof BEFORE - 1;
}

static int
read_document (struct orlop *o, const char *file, struct document *doc, struct err *err)
{
  char *text = NULL;
  ssize_t len;
  int ret;

  if (file == NULL)
    return err_usage (err, "a file with an array of mounts is needed");
  handle_document (o, NULL, strcmp (file, "-") == 0 ? "standard input" : file);
  len = read_text (file, &text, err);
  if (len < 0)
    return (int) len;
  ret = document_parse (&text, (size_t) len, &live_document_type, doc, err);
  if (ret < 0)
    move_back (err);
  return ret;
}

/* The container's own document, about the mounts of the other one.  */
static int
merge (struct change *c, struct err *err)
{
  const struct live_document *d = c->document.object;
  struct known *k = &c->live.known;
  int ret = record_config (&k->dir, &k->arena, &c->config, err);

  if (ret < 0)
    return ret;
  c->config->mounts = d->mounts;
  c->config->n_mounts = d->n_mounts;
  return 0;
}

/* The maps of a user namespace that the container has joined: "@" of an option is by them.  */
static int
read_joined (struct change *c, struct host *host, struct err *err)
{
  const struct oci_linux *l = c->config->linux_;
  char path[48];

  for (size_t i = 0; l && i < l->n_namespaces; i++)
    if (strcmp (l->namespaces[i].type, "user") == 0 && l->namespaces[i].path && l->namespaces[i].path[0])
      {
        (void) snprintf (path, sizeof path, "/proc/%d/ns/user", c->live.known.rec->pid);
        own_fd int fd = ns_open (path, CLONE_NEWUSER, err);
        host->joined = &c->joined;
        return fd < 0 ? fd : idmap_read (fd, path, &c->joined, err);
      }
  return 0;
}

static int
make_plan (struct orlop *o, const char *id, struct change *c, bool add, struct err *err)
{
  const struct plan_args args = { .id = id, .bundle = c->live.known.rec->bundle };
  const struct live_state state = live_state (&c->live);
  struct host host = { .euid = 0 };
  int ret = host_read (&host, err);

  host_probe_mounts (&host);
  if (ret == 0 && add && plan_asks_labels (c->config, c->config->process))
    host_probe_labels (&host);
  if (ret == 0 && add)
    ret = read_joined (c, &host, err);
  if (ret == 0)
    ret = plan_arena_open (&c->arena, err);
  if (ret < 0)
    return ret;
  return add ? live_plan_add (&c->arena, c->config, &host, &args, c->live.known.rec->pid, handle_log (o), &c->plan, err)
             : live_plan_remove (&c->arena, c->config, &host, &args, &state, handle_log (o), &c->plan, err);
}

static int
execute (struct orlop *o, const char *id, const char *file, bool add, struct change *c, struct err *err)
{
  const struct launch_args args = { .root = o->root, .id = id, .log = handle_log (o) };
  const struct live_document *d;
  int ret = read_document (o, file, &c->document, err);

  if (ret == 0)
    ret = live_open (&c->live, o->root, id, true, err);
  if (ret == 0)
    ret = merge (c, err);
  if (ret == 0 && add)
    ret = rules_check (c->config, c->document.text, c->document.len, err);
  if (ret == 0)
    ret = make_plan (o, id, c, add, err);
  d = c->document.object;
  if (ret == 0 && d->n_mounts > 0)
    ret = launch_mounts (&args, &c->arena, c->plan, &c->live, err);
  if (ret < 0 && c->document.text)
    {
      document_locate (c->document.text, c->document.len, err);
      move_back (err);
    }
  return ret;
}

static int
change (struct orlop *o, const char *id, const char *file, bool add)
{
  struct err *err = handle_begin (o);
  struct change c = { .live = LIVE_NONE, .arena = { .fd = -1 } };
  int ret = execute (o, id, file, add, &c, err);

  plan_arena_close (&c.arena);
  live_close (&c.live);
  document_close (&c.document);
  return handle_end (o, ret);
}

PUBLIC int
orlop_mounts_add (struct orlop *o, const char *id, const char *file)
{
  return change (o, id, file, true);
}

PUBLIC int
orlop_mounts_remove (struct orlop *o, const char *id, const char *file)
{
  return change (o, id, file, false);
}
