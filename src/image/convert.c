/* SPDX-License-Identifier: Apache-2.0 */
/* Conversion; see convert.h.  Mounts, namespaces and hidden paths are those of `orlop spec`.  */
#include "image/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "image/command.h"
#include "image/users.h"
#include "kernel/signal.h"
#include "ocispec/config.h"
#include "plan/annotations.h"
#include "plan/spec.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What images are made for: programs that begin as root of the container and give that up by themselves.  */
static const char *capabilities[] = { "CAP_CHOWN",    "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",  "CAP_KILL",      "CAP_NET_BIND_SERVICE",
                                      "CAP_SETFCAP",  "CAP_SETGID",       "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT", NULL };

enum
{
  N_CAPABILITIES = sizeof capabilities / sizeof *capabilities - 1
};

static const struct execution nothing = { 0 };

/* One conversion.  */
struct conversion
{
  const struct image_config *image;
  const struct execution *run; /* of the image, or nothing */
  const struct convert_args *args;
  struct oci_arena *arena;
  struct oci_config *config;
};

static int
no_memory (struct err *err)
{
  return err_host (err, ENOMEM, "out of memory for config.json");
}

/* The document that everything is put into.  */
static int
begin (struct conversion *c, struct err *err)
{
  struct statfs fs;
  const struct spec_args args = { .rootless = c->args->rootless,
                                  .cgroup2 = statfs ("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC,
                                  .uid = geteuid (),
                                  .gid = getegid () };
  own_mem char *json = NULL;
  void *object = NULL;
  int ret = spec_make (&args, &json, err);

  if (ret == 0)
    ret = document_decode (&oci_config_type, "the default document", json, strlen (json), &c->arena, &object, err);
  c->config = object;
  return ret;
}

static void
warn (const struct conversion *c, const char *text)
{
  command_report (c->args->call->json, "warning", c->args->call->name, text, NULL);
}

static void
add_args (struct oci_process *p, const char *const *words, size_t n)
{
  for (size_t i = 0; i < n; i++)
    p->args[p->n_args++] = words[i];
}

/* One empty word takes an Entrypoint back, as it does for Docker and containerd.  */
static bool
is_taken_back (const char *const *words, size_t n)
{
  return n == 1 && words[0][0] == '\0';
}

static int
check_args (const struct conversion *c, size_t n_entrypoint, size_t n_command, struct err *err)
{
  const struct oci_process *p = c->config->process;

  if (p->n_args == 0)
    return err_usage (err, "%s: say a command",
                      c->args->entrypoint ? "without the image's Entrypoint and Cmd there is no program" : "the image has neither Entrypoint nor Cmd");
  if (p->args[0][0])
    return 0;
  if (n_entrypoint == 0 && n_command > 0)
    return err_usage (err, "the first word of the command names the program, and is empty");
  return err_spec (err, n_entrypoint ? "config.Entrypoint[0]" : "config.Cmd[0]", "the word that names the program is empty: say a command%s",
                   n_entrypoint ? " with --entrypoint" : "");
}

static int
set_args (struct conversion *c, struct err *err)
{
  const struct convert_args *a = c->args;
  const char *const *entrypoint = a->entrypoint ? &a->entrypoint : c->run->entrypoint;
  size_t n_entrypoint = a->entrypoint ? 1 : c->run->n_entrypoint, n_command = 0;
  struct oci_process *p = c->config->process;

  if (is_taken_back (entrypoint, n_entrypoint))
    n_entrypoint = 0;
  while (a->command && a->command[n_command])
    n_command++;
  p->args = oci_alloc (&c->arena, (n_entrypoint + c->run->n_cmd + n_command + 1) * sizeof *p->args);
  p->n_args = 0;
  if (p->args == NULL)
    return no_memory (err);
  add_args (p, entrypoint, n_entrypoint);
  add_args (p, (const char *const *) a->command, n_command);
  if (n_command == 0 && ! a->entrypoint)
    add_args (p, c->run->cmd, c->run->n_cmd);
  return check_args (c, n_entrypoint, n_command, err);
}

/* True if one of the first N variables has the name of VARIABLE.  */
static bool
has_variable (const struct oci_process *p, size_t n, const char *variable)
{
  size_t len = strcspn (variable, "=");

  for (size_t i = 0; i < n; i++)
    if (strncmp (p->env[i], variable, len) == 0 && p->env[i][len] == '=')
      return true;
  return false;
}

/* VARIABLE with a value: that of the caller's environment if it has none.  */
static int
with_value (struct conversion *c, const char *variable, const char **ret, struct err *err)
{
  const char *value = getenv (variable);
  char *text;

  *ret = variable;
  if (variable[0] == '\0' || variable[0] == '=')
    return err_usage (err, "--env \"%s\": it has no name", variable);
  if (strchr (variable, '='))
    return 0;
  if (value == NULL)
    return err_usage (err, "--env %s: it has no value, here neither", variable);
  text = oci_alloc (&c->arena, strlen (variable) + strlen (value) + 2);
  if (text == NULL)
    return no_memory (err);
  (void) sprintf (text, "%s=%s", variable, value);
  *ret = text;
  return 0;
}

/* True if a runtime takes it.  */
static bool
is_variable (const char *text)
{
  return text[0] != '=' && strchr (text, '=') != NULL;
}

/* The image's variables, but for those that the caller has said; the last of one name counts, as with engines.  What is no variable no runtime takes.  */
static void
add_images_env (struct conversion *c)
{
  struct oci_process *p = c->config->process;
  size_t n_callers = p->n_env, n_left_out = 0, first = 0;
  char text[300], more[40] = "";

  for (size_t i = 0; i < c->run->n_env; i++)
    {
      if (has_variable (p, n_callers, c->run->env[i]))
        continue;
      if (is_variable (c->run->env[i]))
        p->env[p->n_env++] = c->run->env[i];
      else
        first = n_left_out++ == 0 ? i : first;
    }
  if (n_left_out == 0)
    return;
  if (n_left_out > 1)
    (void) snprintf (more, sizeof more, " (and %zu more)", n_left_out - 1);
  (void) snprintf (text, sizeof text, "config.Env[%zu]: the image's \"%.120s\"%s is no NAME=VALUE, and was left out", first, c->run->env[first], more);
  warn (c, text);
}

/* The caller's variables, then the image's, then what a program needs.  */
static int
set_env (struct conversion *c, struct err *err)
{
  const struct convert_args *a = c->args;
  struct oci_process *p = c->config->process;
  int ret = 0;

  p->env = oci_alloc (&c->arena, (a->env.n + c->run->n_env + 3) * sizeof *p->env);
  p->n_env = 0;
  if (p->env == NULL)
    return no_memory (err);
  for (size_t i = 0; i < a->env.n && ret == 0; i++)
    ret = with_value (c, a->env.item[i], &p->env[p->n_env++], err);
  if (ret < 0)
    return ret;
  add_images_env (c);
  if (! has_variable (p, p->n_env, DEFAULT_PATH))
    p->env[p->n_env++] = DEFAULT_PATH;
  if (a->tty && ! has_variable (p, p->n_env, "TERM="))
    p->env[p->n_env++] = "TERM=xterm";
  return 0;
}

static int
set_process (struct conversion *c, int root, struct err *err)
{
  const struct convert_args *a = c->args;
  struct oci_process *p = c->config->process;
  const char *cwd = a->workdir ? a->workdir : c->run->working_dir;
  const char *user = a->user ? a->user : c->run->user;

  p->terminal = a->tty;
  p->cwd = cwd && cwd[0] ? cwd : "/";
  if (p->cwd[0] != '/' && a->workdir)
    return err_usage (err, "--workdir %s: it is not absolute", p->cwd);
  if (p->cwd[0] != '/')
    return err_spec (err, "config.WorkingDir", "\"%s\" is not absolute: say another with --workdir", p->cwd);
  *p->capabilities = (struct oci_capabilities){ .bounding = capabilities, .n_bounding = N_CAPABILITIES, .effective = capabilities,
                                                .n_effective = N_CAPABILITIES, .permitted = capabilities, .n_permitted = N_CAPABILITIES };
  return users_find (root, a->user ? "--user" : "config.User", user ? user : "", &c->arena, p->user, err);
}

/* The ids that FILE, uid_map or gid_map of this process, has here, each as itself.  */
static int
same_ids (struct conversion *c, const char *file, struct oci_id_mapping **ret_map, size_t *ret_n, struct err *err)
{
  char text[4096], *line = text;
  ssize_t len = file_read_small (AT_FDCWD, file, text, sizeof text);
  unsigned inside, outside, count;
  enum { ROWS_MAX = 64 };

  if (len < 0)
    return err_sys (err, (int) -len, "read", "%s", file);
  *ret_map = oci_alloc (&c->arena, ROWS_MAX * sizeof **ret_map);
  if (*ret_map == NULL)
    return no_memory (err);
  for (*ret_n = 0; *ret_n < ROWS_MAX && sscanf (line, "%u %u %u", &inside, &outside, &count) == 3; ++*ret_n)
    {
      (*ret_map)[*ret_n] = (struct oci_id_mapping){ .container_id = inside, .host_id = inside, .size = count };
      line = strchrnul (line, '\n');
      line += *line != '\0';
    }
  return 0;
}

/* The container of a user namespace has all of its ids, for files of the layers belong to them.  */
static int
set_ids (struct conversion *c, struct err *err)
{
  struct oci_linux *l = c->config->linux_;
  int ret = same_ids (c, "/proc/self/uid_map", &l->uid_mappings, &l->n_uid_mappings, err);

  return ret < 0 ? ret : same_ids (c, "/proc/self/gid_map", &l->gid_mappings, &l->n_gid_mappings, err);
}

/* Adds an annotation, unless the image has a label of that name, which counts more, or there is nothing to say.  */
static void
annotate (struct conversion *c, const char *key, const char *value)
{
  struct oci_config *o = c->config;

  if (value && value[0] && oci_pair_value (c->run->labels, c->run->n_labels, key) == NULL)
    o->annotations[o->n_annotations++] = (struct oci_pair){ key, value };
}

/* True if a runtime would do on the host what a label named KEY says: whoever made the image is not who may.  crun obeys many of run.oci.  */
static bool
is_the_hosts (const char *key)
{
  return annotation_is_the_hosts (key) || str_after (key, "run.oci.") != NULL;
}

/* Labels of the image as annotations, but for those that would have power over the host.  */
static void
annotate_labels (struct conversion *c)
{
  const struct execution *e = c->run;
  const char *first = NULL;
  size_t n_left_out = 0;
  char text[400], more[40] = "";

  for (size_t n = 0; n < e->n_labels; n++)
    if (is_the_hosts (e->labels[n].key))
      first = n_left_out++ == 0 ? e->labels[n].key : first;
    else
      c->config->annotations[c->config->n_annotations++] = e->labels[n];
  if (n_left_out > 1)
    (void) snprintf (more, sizeof more, " and %zu more", n_left_out - 1);
  (void) snprintf (text, sizeof text,
                   "the image's label \"%.120s\"%s was left out: as an annotation it reaches for what is the host's; write it into config.json if you mean it",
                   first ? first : "", more);
  if (first)
    warn (c, text);
}

/* The image's signal to stop by.  One that nobody knows is left out: then `kill` sends TERM, and does not fail.  */
static void
annotate_stop_signal (struct conversion *c)
{
  const char *signal = c->run->stop_signal;
  char text[300];

  if (signal == NULL || signal[0] == '\0' || signal_number (signal) > 0)
    {
      annotate (c, ANNOTATION_STOP_SIGNAL, signal);
      return;
    }
  (void) snprintf (text, sizeof text, "config.StopSignal: the image's \"%.120s\" is no signal, and was left out", signal);
  warn (c, text);
}

/* WORDS with commas between them.  */
static const char *
join (struct conversion *c, const char *const *words, size_t n)
{
  size_t len = 1;
  char *text, *end;

  for (size_t i = 0; i < n; i++)
    len += strlen (words[i]) + 1;
  text = end = oci_alloc (&c->arena, len);
  for (size_t i = 0; text && i < n; i++)
    end += sprintf (end, "%s%s", i ? "," : "", words[i]);
  return text;
}

static int
set_annotations (struct conversion *c, struct err *err)
{
  const struct image_config *i = c->image;
  const struct execution *e = c->run;
  const char **ports = oci_alloc (&c->arena, (e->n_exposed_ports + 1) * sizeof *ports);
  enum { IMPLICIT = 10 };

  c->config->annotations = oci_alloc (&c->arena, (e->n_labels + IMPLICIT) * sizeof *c->config->annotations);
  if (ports == NULL || c->config->annotations == NULL)
    return no_memory (err);
  for (size_t n = 0; n < e->n_exposed_ports; n++)
    ports[n] = e->exposed_ports[n].name;
  annotate (c, "org.opencontainers.image.os", i->os);
  annotate (c, "org.opencontainers.image.architecture", i->architecture);
  annotate (c, "org.opencontainers.image.variant", i->variant);
  annotate (c, "org.opencontainers.image.os.version", i->os_version);
  annotate (c, "org.opencontainers.image.os.features", join (c, i->os_features, i->n_os_features));
  annotate (c, "org.opencontainers.image.author", i->author);
  annotate (c, "org.opencontainers.image.created", i->created);
  annotate_stop_signal (c);
  annotate (c, "org.opencontainers.image.exposedPorts", join (c, ports, e->n_exposed_ports));
  annotate_labels (c);
  return 0;
}

int
convert_config (const struct image_config *image, int root, const struct convert_args *args, char **ret_json, struct err *err)
{
  struct conversion c = { .image = image, .run = image->config ? image->config : &nothing, .args = args };
  int ret = begin (&c, err);

  if (ret == 0)
    ret = set_args (&c, err);
  if (ret == 0)
    ret = set_env (&c, err);
  if (ret == 0)
    ret = set_process (&c, root, err);
  if (ret == 0 && args->rootless)
    ret = set_ids (&c, err);
  if (ret == 0)
    ret = set_annotations (&c, err);
  if (ret == 0)
    {
      c.config->root->readonly = args->read_only;
      c.config->hostname = args->hostname ? args->hostname : c.config->hostname;
      ret = oci_encode (&oci_config_type, c.config, true, ret_json, NULL);
      if (ret < 0)
        ret = ret == -EILSEQ ? err_usage (err, "config.json must be UTF-8, and a word of the command line is not") : no_memory (err);
    }
  oci_arena_free (c.arena);
  return ret;
}
