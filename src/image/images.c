/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of images: import, list, inspect, remove, gc.  */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/own.h"
#include "image/command.h"
#include "image/import.h"
#include "image/store.h"

enum
{
  MAX_MIB = 16384,      /* the default limits */
  MAX_ENTRIES = 1000000,
  MEMORY_MAX = 1 << 30, /* bytes; a large image takes a tenth */
  SHORT_ID = 12
};

static const struct opt no_options[] = { { .name = NULL } };

/* --- import */

struct import_options
{
  const char *ref, *platform;
  unsigned max_mib, max_entries;
  bool squash;
};

static const struct opt import_options[] = {
  { "ref", 0, OPT_STRING, offsetof (struct import_options, ref), "NAME", "the image of this name in SOURCE, which has several" },
  { "platform", 0, OPT_STRING, offsetof (struct import_options, platform), "linux/ARCH", "the image for this platform (default: this machine's)" },
  { "max-size", 0, OPT_UNSIGNED, offsetof (struct import_options, max_mib), "MIB", "most that the image may unpack to (default: 16384)" },
  { "max-entries", 0, OPT_UNSIGNED, offsetof (struct import_options, max_entries), "N", "most files that it may have (default: 1000000)" },
  { "squash-owners", 0, OPT_FLAG, offsetof (struct import_options, squash), NULL, "in a new store: all files belong to the caller" },
  { .name = NULL },
};

/* An archive can make the library that reads it remember much, as a file of very many holes does.  It may run out of memory, the machine may not.
 * Sanitizers need more than any limit.  */
static void
limit_memory (void)
{
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
  struct rlimit data;

  if (getrlimit (RLIMIT_DATA, &data) < 0 || data.rlim_cur <= MEMORY_MAX)
    return;
  data.rlim_cur = MEMORY_MAX;
  (void) setrlimit (RLIMIT_DATA, &data); /* lowering is always allowed */
#endif
}

static int
import_run (struct call *c, struct err *err)
{
  const struct import_options *o = c->args;
  const struct import_args args = { .source = c->argv[0],
                                    .name = c->argc > 1 ? c->argv[1] : NULL,
                                    .wanted = { .ref = o->ref, .platform = o->platform },
                                    .max_bytes = (uint64_t) (o->max_mib ? o->max_mib : MAX_MIB) << 20,
                                    .max_entries = o->max_entries ? o->max_entries : MAX_ENTRIES };
  struct imported done = { .n_layers = 0 };
  struct store s = STORE_CLOSED;
  char text[256];
  int ret = store_open (&s, c->store, STORE_ADD, o->squash, err);

  limit_memory ();
  if (ret == 0)
    ret = import_image (&s, &args, &done, err);
  store_close (&s);
  if (ret < 0)
    return ret;
  (void) snprintf (text, sizeof text, "%llu devices, sockets or extended attributes were left out, which %s",
                   (unsigned long long) done.n_left_out, store_is_root () ? "are not kept" : "are not kept, or not without privilege");
  if (done.n_left_out > 0)
    command_report (c->json, "warning", c->name, text, NULL);
  (void) snprintf (text, sizeof text, "%s\n", done.id);
  return command_print (text, err);
}

const struct command command_import = { .name = "import",
                                        .operands = "SOURCE [NAME]",
                                        .help = "unpack an image into the store: a layout, an archive of one or of docker save, or - for standard input",
                                        .options = import_options,
                                        .args_size = sizeof (struct import_options),
                                        .min = 1,
                                        .max = 2,
                                        .run = import_run };

/* --- list */

struct list_options
{
  const char *format;
  bool quiet;
};

static const struct opt list_options[] = {
  { "format", 'f', OPT_STRING, offsetof (struct list_options, format), "table|json", "form of the output" },
  { "quiet", 'q', OPT_FLAG, offsetof (struct list_options, quiet), NULL, "names only" },
  { .name = NULL },
};

/* A row of the list.  */
struct row
{
  const char *name, *id, *platform;
  int64_t layers, size;
};

static OCI_TYPE (row,
  OCI_STR (row, name,     "name",     OCI_REQUIRED),
  OCI_STR (row, id,       "id",       OCI_REQUIRED),
  OCI_STR (row, platform, "platform", OCI_REQUIRED),
  OCI_NUM (row, layers,   "layers",   OCI_REQUIRED),
  OCI_NUM (row, size,     "size",     OCI_REQUIRED));

struct listing
{
  const struct store *s;
  const struct list_options *o;
  bool json;
  FILE *out;
  size_t n;
};

static int
list_one (void *data, const char *file, void *object, struct err *err)
{
  struct listing *l = data;
  const struct name_record *n = object;
  struct oci_arena *arena = NULL;
  struct image_record *i = NULL;
  own_mem char *json = NULL;
  struct row r;

  (void) file;
  if (store_find (l->s, n->name, &arena, &i, NULL) == 0) /* else gc removes the name */
    {
      r = (struct row){ .name = n->name, .id = i->id, .platform = i->platform, .layers = (int64_t) i->n_layers, .size = i->size };
      if (l->json && oci_encode (&row_type, &r, false, &json, NULL) == 0)
        (void) fprintf (l->out, "%s%s", l->n ? ",\n " : "", json);
      else if (l->o->quiet)
        (void) fprintf (l->out, "%s\n", n->name);
      else if (! l->json)
        (void) fprintf (l->out, "%-40s  %.*s  %-14s  %6zu  %8.1f\n", n->name, SHORT_ID, i->id, i->platform, i->n_layers, (double) i->size / 1048576);
      l->n++;
    }
  oci_arena_free (arena);
  (void) err;
  return 0;
}

static int
list_run (struct call *c, struct err *err)
{
  const struct list_options *o = c->args;
  struct store s = STORE_CLOSED;
  struct listing l = { .s = &s, .o = o, .json = o->format && strcmp (o->format, "json") == 0 };
  own_mem char *text = NULL;
  size_t size;
  int ret;

  if (o->format && ! l.json && strcmp (o->format, "table") != 0)
    return err_usage (err, "invalid format \"%s\": table or json", o->format);
  ret = store_open (&s, c->store, STORE_READ, false, err);
  l.out = ret == 0 ? open_memstream (&text, &size) : NULL;
  if (ret == 0 && l.out == NULL)
    ret = err_host (err, ENOMEM, "out of memory for the list");
  if (ret == 0)
    {
      (void) (l.json         ? fputs ("[", l.out)
              : ! o->quiet ? fprintf (l.out, "%-40s  %-*s  %-14s  %6s  %8s\n", "NAME", SHORT_ID, "ID", "PLATFORM", "LAYERS", "SIZE/MIB")
                           : 0);
      ret = store_each (s.names, &name_record_type, list_one, &l, err);
      (void) fputs (l.json ? "]\n" : "", l.out);
    }
  if (l.out && fclose (l.out) != 0 && ret == 0)
    ret = err_host (err, ENOMEM, "out of memory for the list");
  store_close (&s);
  return ret < 0 ? ret : command_print (text, err);
}

const struct command command_list = { .name = "list",
                                      .operands = "",
                                      .help = "list the images of the store",
                                      .options = list_options,
                                      .args_size = sizeof (struct list_options),
                                      .max = 0,
                                      .run = list_run };

/* --- inspect */

static int
inspect_run (struct call *c, struct err *err)
{
  struct store s = STORE_CLOSED;
  struct oci_arena *arena = NULL;
  struct image_record *i = NULL;
  own_mem char *config = NULL, *record = NULL, *text = NULL;
  int ret = store_open (&s, c->store, STORE_READ, false, err);

  if (ret == 0)
    ret = store_find (&s, c->argv[0], &arena, &i, err);
  if (ret == 0)
    ret = store_config (&s, i->id, NULL, &config, NULL, err);
  if (ret == 0)
    ret = oci_encode (&image_record_type, i, false, &record, NULL);
  if (ret == 0 && asprintf (&text, "{\"record\":%s,\n\"image\":%s}\n", record, config) < 0)
    ret = err_host (err, ENOMEM, "out of memory for the image");
  store_close (&s);
  oci_arena_free (arena);
  return ret < 0 ? ret : command_print (text, err);
}

const struct command command_inspect = { .name = "inspect",
                                         .operands = "IMAGE",
                                         .help = "print what the store knows of an image, and the image's own configuration, as JSON",
                                         .options = no_options,
                                         .min = 1,
                                         .max = 1,
                                         .run = inspect_run };

/* --- remove, gc */

/* What refers to an image.  */
struct uses
{
  const struct store *s;
  const char *id, *what; /* WHAT the caller calls it: a name, or its id */
  bool is_name, only;    /* ONLY that name goes */
  size_t n_names;
  char bundle[4096];
};

static int
count_name (void *data, const char *file, void *object, struct err *err)
{
  struct uses *u = data;
  const struct name_record *n = object;

  (void) file;
  (void) err;
  u->n_names += strcmp (n->image, u->id) == 0;
  u->is_name |= strcmp (n->name, u->what) == 0;
  return 0;
}

static int
see_bundle (void *data, const char *file, void *object, struct err *err)
{
  struct uses *u = data;
  const struct bundle_record *b = object;

  (void) file;
  (void) err;
  if (strcmp (b->image, u->id) == 0)
    (void) snprintf (u->bundle, sizeof u->bundle, "%s", b->bundle);
  return 0;
}

static int
drop_name (void *data, const char *file, void *object, struct err *err)
{
  struct uses *u = data;
  const struct name_record *n = object;

  if (strcmp (n->image, u->id) != 0 || (u->only && strcmp (n->name, u->what) != 0))
    return 0;
  return unlinkat (u->s->names, file, 0) < 0 && errno != ENOENT ? err_sys (err, errno, "unlinkat", "names/%s", file) : 0;
}

static int
remove_image (const struct store *s, const char *what, struct err *err)
{
  struct oci_arena *arena = NULL;
  struct image_record *i = NULL;
  struct uses u = { .s = s, .what = what };
  int ret = store_find (s, what, &arena, &i, err);

  if (ret == 0)
    {
      u.id = i->id;
      ret = store_each (s->names, &name_record_type, count_name, &u, err);
    }
  if (ret == 0)
    ret = store_each (s->bundles, &bundle_record_type, see_bundle, &u, err);
  if (ret == 0)
    {
      u.only = u.is_name && u.n_names > 1;
      ret = u.bundle[0] && ! u.only ? err_state (err, EBUSY, "image \"%s\" is used by the bundle \"%s\": see rm-bundle", what, u.bundle)
                                    : store_each (s->names, &name_record_type, drop_name, &u, err);
    }
  oci_arena_free (arena);
  return ret;
}

static int
remove_run (struct call *c, struct err *err)
{
  struct store s = STORE_CLOSED;
  size_t n = 0;
  int ret = store_open (&s, c->store, STORE_REMOVE, false, err);

  if (ret == 0)
    ret = store_collect (&s, &n, err); /* forgets bundles that are gone */
  for (int i = 0; i < c->argc && ret == 0; i++)
    ret = remove_image (&s, c->argv[i], err);
  if (ret == 0)
    ret = store_collect (&s, &n, err);
  store_close (&s);
  return ret;
}

const struct command command_remove = { .name = "remove",
                                        .operands = "IMAGE...",
                                        .help = "remove images, and the layers that no other image has",
                                        .options = no_options,
                                        .min = 1,
                                        .max = INT_MAX,
                                        .run = remove_run };

static int
gc_run (struct call *c, struct err *err)
{
  struct store s = STORE_CLOSED;
  size_t n = 0;
  int ret = store_open (&s, c->store, STORE_REMOVE, false, err);

  if (ret == 0)
    ret = store_collect (&s, &n, err);
  store_close (&s);
  return ret;
}

const struct command command_gc = { .name = "gc",
                                    .operands = "",
                                    .help = "remove what nothing refers to, as after a crash or a bundle that was deleted by hand",
                                    .options = no_options,
                                    .max = 0,
                                    .run = gc_run };
