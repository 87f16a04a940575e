/* SPDX-License-Identifier: Apache-2.0 */
/* update: a document like linux.resources, from a file, standard input or memory, to what is done with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/limits.h"
#include "handle.h"
#include "launch/launch.h"
#include "launch/nodes.h"
#include "ocispec/linux.h"
#include "plan/document.h"

#define PUBLIC __attribute__ ((visibility ("default")))

/* Reads NAME ("-": standard input), which may be a pipe, and remembers it for errors.  */
static int
read_document (struct orlop *o, const char *name, struct document *ret_doc, struct err *err)
{
  bool standard = strcmp (name, "-") == 0;
  const char *called = standard ? "standard input" : name;
  own_fd int file = standard ? -1 : open (name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  own_mem char *text = NULL;
  ssize_t len;

  if (! standard && file < 0)
    return err_sys (err, errno, "open", "%s", name);
  len = file_read_stream (standard ? STDIN_FILENO : file, called, OCI_DOCUMENT_MAX, &text, err);
  if (len < 0)
    return (int) len;
  handle_document (o, NULL, called);
  return document_parse (&text, (size_t) len, &oci_resources_type, ret_doc, err);
}

static int
parse_text (const char *json, struct document *ret_doc, struct err *err)
{
  own_mem char *text = strdup (json);

  return text ? document_parse (&text, strlen (json), &oci_resources_type, ret_doc, err) : err_sys (err, ENOMEM, "malloc", "document");
}

/* The document of an update is what linux.resources is in config.json, and its paths begin there.  */
static void
cut_where (struct err *err)
{
  const char *rest = str_after (err->where, "linux.resources.");

  if (rest)
    memmove (err->where, rest, strlen (rest) + 1);
}

/* What update is given, in the form of launch_update.  */
struct given
{
  struct document doc;
  struct node nodes[NODES_MAX];
  char *texts[NODES_MAX]; /* of their names; owned */
  size_t n_nodes;
};

/* Finds out what device HOST is.  */
static int
look_at_device (struct node *node, struct err *err)
{
  struct stat st;

  if (node->host[0] != '/')
    return err_usage (err, "device \"%.200s\": the path must be absolute", node->host);
  if (stat (node->host, &st) < 0)
    return err_sys (err, errno, "stat", "%s", node->host);
  if (! S_ISCHR (st.st_mode) && ! S_ISBLK (st.st_mode))
    return err_host (err, ENODEV, "%s is no device", node->host);
  node->device.mode = st.st_mode & (S_IFMT | 07777);
  node->device.major = major (st.st_rdev);
  node->device.minor = minor (st.st_rdev);
  node->device.uid = st.st_uid;
  node->device.gid = st.st_gid;
  return 0;
}

/* "HOST[:PATH][:ACCESS]", as GIVEN; TEXT, its copy, is cut into its words.  */
static int
read_device (const char *given, char *text, bool remove, struct node *ret_node, struct err *err)
{
  char *word[3] = { text, NULL, NULL };
  const char *path, *access;
  size_t n = 1;

  for (char *colon = text; n < 3 && (colon = strchr (colon, ':')); n++)
    {
      *colon++ = '\0';
      word[n] = colon;
    }
  path = word[1] && word[1][0] == '/' ? word[1] : NULL;
  access = path ? word[2] : word[1];
  if (text[0] == '\0')
    return err_usage (err, "device \"%.200s\": the path of a device on the host is needed first", given);
  if ((! path && word[2]) || (access && (remove || access[0] == '\0' || access[strspn (access, "rwm")])))
    return err_usage (err, "device \"%.200s\": after the device may come a path%s", given, remove ? "" : " and then letters of rwm, with colons between");
  *ret_node = (struct node){ .host = text, .access = remove ? NULL : access ? access : "rwm", .remove = remove };
  path = path ? path : text;
  ret_node->device.path = path + strspn (path, "/");
  if (ret_node->device.path[0] == '\0')
    return err_usage (err, "device \"%.200s\": the root is no place for it", given);
  return look_at_device (ret_node, err);
}

static int
read_devices (struct given *g, const char *const *list, bool remove, struct err *err)
{
  for (size_t i = 0; list && list[i]; i++)
    {
      int ret;

      if (g->n_nodes == NODES_MAX)
        return err_usage (err, "%d devices are the most for one update", NODES_MAX);
      g->texts[g->n_nodes] = strdup (list[i]);
      if (g->texts[g->n_nodes] == NULL)
        return err_sys (err, ENOMEM, "malloc", "device");
      ret = read_device (list[i], g->texts[g->n_nodes], remove, &g->nodes[g->n_nodes], err);
      g->n_nodes++;
      if (ret < 0)
        return ret;
    }
  return 0;
}

/* What is given and taken away by one update would be gone after it, in whatever order it is said: the rules of the nodes are of the device.  */
static int
check_both (const struct given *g, struct err *err)
{
  for (size_t i = 0; i < g->n_nodes; i++)
    for (size_t j = i + 1; j < g->n_nodes; j++)
      {
        const struct device *a = &g->nodes[i].device, *b = &g->nodes[j].device;

        if (g->nodes[i].remove != g->nodes[j].remove && ((a->mode ^ b->mode) & S_IFMT) == 0 && a->major == b->major && a->minor == b->minor)
          return err_usage (err, "device \"%.200s\": one update cannot both give it and take it away", g->nodes[j].host);
      }
  return 0;
}

static void
free_given (struct given *g)
{
  document_close (&g->doc);
  for (size_t i = 0; i < g->n_nodes; i++)
    free (g->texts[i]);
}

/* Refuses a document that asks for nothing but what is unknown here: somebody meant something by it.  What is unknown beside what is not is passed over,
 * as in config.json.  */
static int
check_known (const struct document *doc, struct err *err)
{
  static const char *const around[] = { "linux", "resources", "ociVersion", NULL };
  const struct oci_resources *r = doc->object;

  if (doc->unknown[0] == '\0' || r->n_devices > 0 || cgroup_limits_asked (r))
    return 0;
  for (const char *const *name = around; *name; name++)
    if (strcmp (doc->unknown, *name) == 0)
      return err_spec (err, doc->unknown, "the document is to be what linux.resources is, without that around it: {\"memory\": {...}, ...}");
  return err_spec (err, doc->unknown, "no such property of linux.resources is known, and nothing else is asked for");
}

static int
get_document (struct orlop *o, const struct orlop_update_options *opt, struct document *doc, struct err *err)
{
  int ret = 0;

  if (opt->resources)
    ret = read_document (o, opt->resources, doc, err);
  else if (opt->json)
    ret = parse_text (opt->json, doc, err);
  if (ret == 0 && doc->object)
    ret = check_known (doc, err);
  if (ret < 0 && opt->resources)
    document_locate (doc->text, doc->len, err);
  if (ret < 0 && opt->json) /* mostly made by a program: nobody sees its lines */
    err->line = err->column = 0;
  return ret;
}

/* True if OPT has something to change.  */
static bool
is_given (const struct orlop_update_options *opt)
{
  return opt->resources || opt->json || opt->l3_cache_schema || opt->mem_bw_schema || (opt->devices && opt->devices[0])
         || (opt->devices_removed && opt->devices_removed[0]);
}

static int
update (struct orlop *o, const char *id, const struct orlop_update_options *opt, struct given *g, struct err *err)
{
  struct launch_update u = { .l3_cache_schema = opt->l3_cache_schema, .mem_bw_schema = opt->mem_bw_schema, .nodes = g->nodes };
  int ret = 0;

  if (opt->resources && opt->json)
    return err_usage (err, "the limits are either in a document or in a text, not in both");
  if (opt->resources && opt->resources[0] == '\0')
    return err_usage (err, "the name of the document with the limits is empty");
  if (! is_given (opt))
    return err_usage (err, "nothing to update is given");
  ret = read_devices (g, opt->devices, false, err);
  if (ret == 0)
    ret = read_devices (g, opt->devices_removed, true, err);
  if (ret == 0)
    ret = check_both (g, err);
  if (ret == 0)
    ret = get_document (o, opt, &g->doc, err);
  if (ret < 0)
    return ret;
  u.resources = g->doc.object;
  u.n_nodes = g->n_nodes;
  ret = launch_update (o->root, id, &u, err);
  if (ret < 0)
    cut_where (err);
  if (ret < 0 && opt->resources)
    document_locate (g->doc.text, g->doc.len, err);
  return ret;
}

/* What a caller without options wants: nothing, which is an error.  */
static const struct orlop_update_options defaults;

PUBLIC int
orlop_update (struct orlop *o, const char *id, const struct orlop_update_options *options)
{
  struct err *err = handle_begin (o);
  struct given g = { .n_nodes = 0 };
  int ret = update (o, id, options ? options : &defaults, &g, err);

  free_given (&g);
  return handle_end (o, ret);
}
