/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to systemd; see systemd.h.  The end of a job is told by a signal, which is asked for before the job is begun.  */
#include "cgroup/systemd.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/clock.h"
#include "cgroup/sdbus.h"
#include "cgroup/unit_props.h"
#include "cgroup/variant.h"
#include "ocispec/table.h"

static const char service[] = "org.freedesktop.systemd1";
static const char object[] = "/org/freedesktop/systemd1";
static const char manager[] = "org.freedesktop.systemd1.Manager";
static const char unit_interface[] = "org.freedesktop.systemd1.Unit";
static const char scope_interface[] = "org.freedesktop.systemd1.Scope";
static const char properties[] = "org.freedesktop.DBus.Properties";

enum
{
  JOB_MS = 30000, /* as runc has it */
  PATH_SIZE = 1024 /* of an object, in which a unit's name is escaped */
};

struct systemd
{
  struct sdbus lib;
  void *bus;
};

/* A call in the making, and its answer.  */
struct call
{
  struct systemd *s;
  void *message, *reply;
  struct sdbus_error error;
  int r; /* the first failure */
};

/* What systemd answers, and what it means to us.  */
static const struct
{
  const char *name;
  int num;
} answers[] = {
  { "org.freedesktop.systemd1.NoSuchUnit", ENOENT },
  { "org.freedesktop.systemd1.UnitExists", EEXIST },
  { "org.freedesktop.DBus.Error.AccessDenied", EACCES },
  { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", EACCES },
  { "org.freedesktop.DBus.Error.NoReply", ETIMEDOUT },
};

/* --- connecting */

/* One way to a manager.  */
static int
connect_address (struct systemd *s, const char *path)
{
  char address[320];
  void *bus = NULL;
  int r;

  if (snprintf (address, sizeof address, "unix:path=%s", path) >= (int) sizeof address)
    return -ENAMETOOLONG;
  r = s->lib.new (&bus);
  if (r >= 0)
    r = s->lib.set_address (bus, address);
  if (r >= 0)
    r = s->lib.start (bus);
  if (r < 0)
    (void) s->lib.flush_close_unref (bus);
  else
    s->bus = bus;
  return r;
}

/* The private socket of a user's manager.  */
static int
connect_user_private (struct systemd *s, const char *directory)
{
  char path[256];
  int n = directory ? snprintf (path, sizeof path, "%s/systemd/private", directory)
                    : snprintf (path, sizeof path, "/run/user/%u/systemd/private", (unsigned) geteuid ());

  return n < (int) sizeof path ? connect_address (s, path) : -ENAMETOOLONG;
}

static int
connect_user (struct systemd *s, struct err *err)
{
  const char *directory = getenv ("XDG_RUNTIME_DIR");
  int r = directory && *directory == '/' ? connect_user_private (s, directory) : -ENOENT, first = r;

  if (r < 0)
    r = s->lib.open_user (&s->bus);
  if (r < 0)
    r = connect_user_private (s, NULL);
  if (r >= 0)
    return 0;
  r = first < 0 && directory ? first : r;
  return err_doing (err, err_sys (err, -r, "connect", "%s/systemd/private", directory ? directory : "/run/user/UID"),
                    "the systemd of this user cannot be reached: it runs while the user is logged in or lingers (loginctl enable-linger), and is found by "
                    "XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS");
}

static int
connect_system (struct systemd *s, struct err *err)
{
  static const char path[] = "/run/systemd/private";
  int r = connect_address (s, path), first = r;

  if (r < 0)
    r = s->lib.open_system (&s->bus);
  if (r >= 0)
    return 0;
  return err_doing (err, err_sys (err, -first, "connect", "%s", path),
                    "systemd cannot be reached, nor is there a system bus: is it the first process of this machine?");
}

/* --- calls */

/* Remembers the first failure of C.  */
static bool
good (struct call *c, int r)
{
  if (r < 0 && c->r >= 0)
    c->r = r;
  return c->r >= 0;
}

static struct call
begin (struct systemd *s, const char *path, const char *interface, const char *member)
{
  struct call c = { .s = s, .error = SDBUS_ERROR_NONE };

  (void) good (&c, s->lib.message_new_method_call (s->bus, &c.message, service, path, interface, member));
  return c;
}

static void
end (struct call *c)
{
  if (c->message)
    (void) c->s->lib.message_unref (c->message);
  if (c->reply)
    (void) c->s->lib.message_unref (c->reply);
  c->s->lib.error_free (&c->error);
}

#define own_call __attribute__ ((cleanup (end))) struct call

static void
add_text (struct call *c, char type, const char *text)
{
  if (c->r >= 0)
    (void) good (c, c->s->lib.message_append_basic (c->message, type, text));
}

static void
open_in (struct call *c, char type, const char *contents)
{
  if (c->r >= 0)
    (void) good (c, c->s->lib.message_open_container (c->message, type, contents));
}

static void
close_in (struct call *c)
{
  if (c->r >= 0)
    (void) good (c, c->s->lib.message_close_container (c->message));
}

/* Appends a single value in the width that sd-bus wants for its type.  */
static void
add_basic (struct call *c, const struct variant *v)
{
  union
  {
    uint8_t y;
    int b;
    uint16_t q;
    uint32_t u;
    uint64_t t;
    double d;
  } as = { .t = 0 };
  char type = *v->signature;

  switch (type)
    {
    case 's':
    case 'o':
    case 'g':
      add_text (c, type, v->text);
      return;
    case 'y':
      as.y = (uint8_t) v->number;
      break;
    case 'b':
      as.b = v->number != 0;
      break;
    case 'n':
    case 'q':
      as.q = (uint16_t) v->number;
      break;
    case 'i':
    case 'u':
      as.u = (uint32_t) v->number;
      break;
    case 'd':
      as.d = v->real;
      break;
    default:
      as.t = v->number;
    }
  if (c->r >= 0)
    (void) good (c, c->s->lib.message_append_basic (c->message, type, &as));
}

/* Appends V; recursion ends, since a variant is a tree of limited depth (variant.c).  */
static void
add_value (struct call *c, const struct variant *v)
{
  size_t len = strlen (v->signature);
  char contents[256];
  bool tuple = *v->signature == '(';

  if (*v->signature != 'a' && ! tuple)
    {
      add_basic (c, v);
      return;
    }
  if (len > sizeof contents)
    {
      (void) good (c, -E2BIG);
      return;
    }
  memcpy (contents, v->signature + 1, len); /* with its NUL */
  if (tuple)
    contents[len - 2] = '\0';
  open_in (c, tuple ? 'r' : 'a', contents);
  for (size_t i = 0; i < v->n; i++)
    add_value (c, &v->items[i]);
  close_in (c);
}

/* Appends a(sv).  */
static void
add_properties (struct call *c, const struct unit_properties *props)
{
  open_in (c, 'a', "(sv)");
  for (size_t i = 0; i < props->n; i++)
    {
      open_in (c, 'r', "sv");
      add_text (c, 's', props->list[i].name);
      open_in (c, 'v', props->list[i].value->signature);
      add_value (c, props->list[i].value);
      close_in (c);
      close_in (c);
    }
  close_in (c);
}

/* Sends the call and waits for its answer.  Returns 0 or negative errno, with systemd's words after DOING in ERR.  */
static int
finish (struct call *c, const char *doing, const char *unit, struct err *err)
{
  int num;

  if (c->r >= 0)
    (void) good (c, c->s->lib.call (c->s->bus, c->message, 0, &c->error, &c->reply));
  if (c->r >= 0)
    return 0;
  num = -c->r;
  for (size_t i = 0; c->error.name && i < sizeof answers / sizeof *answers; i++)
    if (strcmp (answers[i].name, c->error.name) == 0)
      num = answers[i].num;
  return err_host (err, num, "systemd does not %s %s: %s", doing, unit, c->error.message ? c->error.message : strerror (num));
}

/* Reads a string, or an object path, from the answer.  */
static int
read_text (struct call *c, char type, bool in_variant, char *buf, size_t size, struct err *err)
{
  const char *text = NULL, contents[2] = { type, '\0' };

  if (in_variant)
    (void) good (c, c->s->lib.message_enter_container (c->reply, 'v', contents));
  if (c->r >= 0)
    (void) good (c, c->s->lib.message_read_basic (c->reply, type, &text));
  if (c->r < 0 || text == NULL)
    return err_bug (err, EPROTO, "systemd's answer is not as expected");
  return str_copy (buf, size, text) < 0 ? err_host (err, ENAMETOOLONG, "systemd answers \"%.100s...\"", text) : 0;
}

static int
get_text (struct systemd *s, const char *path, const char *interface, const char *name, char *buf, size_t size, struct err *err)
{
  own_call c = begin (s, path, properties, "Get");
  int r;

  add_text (&c, 's', interface);
  add_text (&c, 's', name);
  r = finish (&c, "tell the property", name, err);
  return r < 0 ? r : read_text (&c, 's', true, buf, size, err);
}

int
systemd_manager_text (struct systemd *s, const char *name, char *buf, size_t size, struct err *err)
{
  return get_text (s, object, manager, name, buf, size, err);
}

/* The object of UNIT into PATH.  */
static int
unit_path (struct systemd *s, const char *unit, char *path, size_t size, struct err *err)
{
  own_call c = begin (s, object, manager, "GetUnit");
  int r;

  add_text (&c, 's', unit);
  r = finish (&c, "tell about", unit, err);
  return r < 0 ? r : read_text (&c, 'o', false, path, size, err);
}

int
systemd_unit_text (struct systemd *s, const char *unit, const char *name, char *buf, size_t size, struct err *err)
{
  char path[PATH_SIZE];
  int r = unit_path (s, unit, path, sizeof path, err);

  return r < 0 ? r : get_text (s, path, unit_interface, name, buf, size, err);
}

/* --- values read */

/* A single value of one of the TYPEs that limits have.  */
static struct variant *
read_basic (struct call *c, struct oci_arena **arena, char type)
{
  const char *text = NULL;
  uint64_t number = 0;
  uint8_t byte = 0;
  void *to = type == 's' ? (void *) &text : type == 't' ? (void *) &number : (void *) &byte;

  if (! good (c, strchr ("sty", type) ? c->s->lib.message_read_basic (c->reply, type, to) : -EPROTO))
    return NULL;
  return type == 's' ? variant_text (arena, text) : variant_number (arena, type, type == 't' ? number : byte);
}

static struct variant *read_value (struct call *c, struct oci_arena **arena, const char *signature, size_t len);

/* Appends the next value, of the type that LEN bytes of SIGNATURE are, to LIST, which has room for *SIZE.  */
static void
read_item (struct call *c, struct oci_arena **arena, struct variant *list, size_t *size, const char *signature, size_t len)
{
  struct variant *v = read_value (c, arena, signature, len), *more;

  if (list->n == *size)
    {
      *size = *size ? 2 * *size : 8;
      more = oci_alloc (arena, *size * sizeof *more);
      if (more && list->n)
        memcpy (more, list->items, list->n * sizeof *more);
      list->items = more;
    }
  if (v && list->items)
    list->items[list->n++] = *v;
  else
    (void) good (c, -ENOMEM);
}

/* The next value of the answer, of the type that LEN bytes of SIGNATURE are; NULL if that is not what it is, or memory is short: C tells.  Recursion ends
 * with the signature, which is ours.  */
static struct variant *
read_value (struct call *c, struct oci_arena **arena, const char *signature, size_t len)
{
  bool tuple = *signature == '(', list = *signature == 'a';
  const char *whole = oci_strndup (arena, signature, len), *in = whole ? oci_strndup (arena, signature + 1, len - (tuple ? 2 : 1)) : NULL;
  struct variant *v;
  size_t size = 0;

  if (! tuple && ! list)
    return read_basic (c, arena, *signature);
  v = in ? variant_list (arena, whole, 0) : NULL;
  if (! good (c, v ? c->s->lib.message_enter_container (c->reply, tuple ? 'r' : 'a', in) : -ENOMEM))
    return NULL;
  for (const char *type = in; tuple && c->r >= 0 && *type; type += variant_type_length (type))
    read_item (c, arena, v, &size, type, variant_type_length (type));
  while (list && c->r >= 0 && c->s->lib.message_at_end (c->reply, 0) == 0)
    read_item (c, arena, v, &size, in, len - 1);
  return good (c, c->r < 0 ? c->r : c->s->lib.message_exit_container (c->reply)) ? v : NULL;
}

/* Adds what would set NAME to what it is.  */
static int
get_value (struct systemd *s, const char *path, const char *name, const char *signature, struct unit_properties *ret, struct err *err)
{
  own_call c = begin (s, path, properties, "Get");
  struct variant *v = NULL;
  int r;

  add_text (&c, 's', scope_interface);
  add_text (&c, 's', name);
  r = finish (&c, "tell the property", name, err);
  if (r < 0)
    return r;
  if (good (&c, s->lib.message_enter_container (c.reply, 'v', signature)))
    v = read_value (&c, ret->arena, signature, strlen (signature));
  if (v == NULL)
    return c.r == -ENOMEM ? err_sys (err, ENOMEM, "malloc", "unit property") : err_bug (err, EPROTO, "systemd's answer about %s is not as expected", name);
  if (strncmp (signature, "a(", 2) == 0)
    r = unit_props_add (ret, name, variant_list (ret->arena, signature, 0), err);
  return r < 0 || (strncmp (signature, "a(", 2) == 0 && v->n == 0) ? r : unit_props_add (ret, name, v, err);
}

int
systemd_get (struct systemd *s, const char *unit, const struct unit_properties *like, struct unit_properties *ret, struct err *err)
{
  char path[PATH_SIZE];
  int r = unit_path (s, unit, path, sizeof path, err);

  for (size_t i = 0; r == 0 && i < like->n; i++)
    if (unit_props_find (ret, like->list[i].name) == NULL)
      r = get_value (s, path, like->list[i].name, like->list[i].value->signature, ret, err);
  return r;
}

/* Asks for signals: the bus sends those that are asked for, and systemd sends any once somebody has subscribed.  Its private socket does both
 * unasked.  */
static int
subscribe (struct systemd *s, struct err *err)
{
  struct call match = { .s = s, .error = SDBUS_ERROR_NONE };
  int r;

  if (s->lib.is_bus_client (s->bus) <= 0)
    return 0;
  (void) good (&match, s->lib.message_new_method_call (s->bus, &match.message, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                                       "AddMatch"));
  add_text (&match, 's',
            "type='signal',sender='org.freedesktop.systemd1',path='/org/freedesktop/systemd1',interface='org.freedesktop.systemd1.Manager',"
            "member='JobRemoved'");
  r = finish (&match, "tell about jobs of", "the bus", err);
  end (&match);
  if (r < 0)
    return r;
  own_call c = begin (s, object, manager, "Subscribe");
  r = finish (&c, "tell about", "its jobs", NULL);
  (void) r; /* whoever begins a job is told of its end by newer ones in any case */
  return 0;
}

/* --- jobs */

/* If MESSAGE tells the end of the job JOB, its result into BUF.  Returns 1, 0 if not, or negative errno.  */
static int
job_result (struct systemd *s, void *message, const char *job, char *buf, size_t size)
{
  const char *path = NULL, *unit = NULL, *result = NULL;
  uint32_t id;

  if (s->lib.message_is_signal (message, manager, "JobRemoved") <= 0)
    return 0;
  if (s->lib.message_read_basic (message, 'u', &id) < 0 || s->lib.message_read_basic (message, 'o', &path) < 0
      || s->lib.message_read_basic (message, 's', &unit) < 0 || s->lib.message_read_basic (message, 's', &result) < 0)
    return -EPROTO;
  if (strcmp (path, job) != 0)
    return 0;
  (void) str_copy (buf, size, result); /* a word */
  return 1;
}

/* Waits for the end of the job that C began.  */
static int
wait_job (struct call *c, const char *doing, const char *unit, struct err *err)
{
  struct systemd *s = c->s;
  char job[256], result[32] = "";
  long until = clock_ms () + JOB_MS, left;
  int r = read_text (c, 'o', false, job, sizeof job, err);

  while (r >= 0 && *result == '\0')
    {
      void *message = NULL;

      r = s->lib.process (s->bus, &message);
      if (message)
        {
          int told = job_result (s, message, job, result, sizeof result);

          (void) s->lib.message_unref (message);
          r = told < 0 ? told : 1;
        }
      if (r == 0)
        {
          left = until - clock_ms ();
          if (left <= 0)
            return err_host (err, ETIMEDOUT, "systemd did not %s %s within %d s", doing, unit, JOB_MS / 1000);
          r = s->lib.wait (s->bus, (uint64_t) left * 1000);
        }
      if (r < 0)
        return err_host (err, -r, "systemd did not tell whether it did %s %s: %s", doing, unit, strerror (-r));
    }
  if (r < 0)
    return r;
  return strcmp (result, "done") == 0 ? 0 : err_host (err, EIO, "systemd could not %s %s: the job's result is \"%s\"; systemctl status and journalctl may tell why", doing, unit, result);
}

int
systemd_start (struct systemd *s, const char *unit, const struct unit_properties *props, struct err *err)
{
  own_call c = begin (s, object, manager, "StartTransientUnit");
  int r;

  add_text (&c, 's', unit);
  add_text (&c, 's', "fail"); /* should a job of another be waiting for that unit */
  add_properties (&c, props);
  open_in (&c, 'a', "(sa(sv))");
  close_in (&c);
  r = finish (&c, "start", unit, err);
  return r < 0 ? r : wait_job (&c, "start", unit, err);
}

int
systemd_forget (struct systemd *s, const char *unit, struct err *err)
{
  own_call c = begin (s, object, manager, "ResetFailedUnit");
  int r;

  add_text (&c, 's', unit);
  r = finish (&c, "reset", unit, err);
  if (r != -ENOENT)
    return r;
  err_clear (err);
  return 0;
}

int
systemd_stop (struct systemd *s, const char *unit, struct err *err)
{
  own_call c = begin (s, object, manager, "StopUnit");
  int r;

  add_text (&c, 's', unit);
  add_text (&c, 's', "replace");
  r = finish (&c, "stop", unit, err);
  if (r == -ENOENT)
    {
      err_clear (err);
      return 0;
    }
  if (r == 0)
    r = wait_job (&c, "stop", unit, err);
  return r < 0 ? r : systemd_forget (s, unit, err);
}

int
systemd_set (struct systemd *s, const char *unit, const struct unit_properties *props, struct err *err)
{
  own_call c = begin (s, object, manager, "SetUnitProperties");
  const int runtime = 1;
  char version[128];
  int r;

  add_text (&c, 's', unit);
  if (c.r >= 0)
    (void) good (&c, s->lib.message_append_basic (c.message, 'b', &runtime));
  add_properties (&c, props);
  r = finish (&c, "set the properties of", unit, err);
  /* what follows from them is done after the answer, and before the next call is looked at: then our files can be written */
  return r < 0 ? r : systemd_manager_text (s, "Version", version, sizeof version, err);
}

int
systemd_attach (struct systemd *s, const char *unit, const char *below, pid_t pid, struct err *err)
{
  own_call c = begin (s, object, manager, "AttachProcessesToUnit");
  uint32_t number = (uint32_t) pid;

  add_text (&c, 's', unit);
  add_text (&c, 's', below);
  open_in (&c, 'a', "u");
  if (c.r >= 0)
    (void) good (&c, s->lib.message_append_basic (c.message, 'u', &number));
  close_in (&c);
  return finish (&c, "take a process into", unit, err);
}

int
systemd_open (bool user, struct systemd **ret_systemd, struct err *err)
{
  struct systemd *s = calloc (1, sizeof *s);
  int r = s ? sdbus_open (&s->lib, err) : err_sys (err, ENOMEM, "calloc", "systemd");

  if (r == 0)
    r = user ? connect_user (s, err) : connect_system (s, err);
  if (r == 0)
    r = subscribe (s, err);
  if (r < 0)
    {
      systemd_close (s);
      return r;
    }
  *ret_systemd = s;
  return 0;
}

void
systemd_close (struct systemd *s)
{
  if (s == NULL)
    return;
  if (s->bus)
    (void) s->lib.flush_close_unref (s->bus);
  sdbus_close (&s->lib);
  free (s);
}
