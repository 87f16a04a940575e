/* SPDX-License-Identifier: Apache-2.0 */
/* holds WHAT [ARGUMENT]: holds something that a checkpoint must be told of, counts by means of it into /tmp/numbers, and ends with 3 and a
 * reason in /tmp/broken when it is not as it was.  `holds tell WHAT` says what another process sees of it.
 *
 *   tcp          both ends of a connection over the loopback: each number goes through it
 *   tcp PORT     one end; the other answers each number with itself
 *   unaccepted   a connection that nobody has accepted yet
 *   unix PATH    a datagram socket whose other end is outside: each number goes there, too
 *   lock         a lock of a part of /tmp/lock
 *   unlinked     a file, /tmp/numbers itself, by a name that is gone while it has another
 *   memory MIB   so much memory, of which one page in a hundred changes between two numbers, and all are looked at again and again  */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum
{
  PAGE = 4096,
  PORT = 4711,
  CHANGED = 100 /* one page of so many changes in a round */
};

static _Noreturn void
broken (const char *what)
{
  FILE *f = fopen ("/tmp/broken", "w");

  if (f)
    fprintf (f, "%s: %s\n", what, strerror (errno));
  exit (3);
}

static int
good (int ret, const char *what)
{
  if (ret < 0)
    broken (what);
  return ret;
}

static void
count (int number)
{
  static int fd = -1;

  if (fd < 0)
    fd = good (open ("/tmp/numbers", O_WRONLY | O_CREAT | O_APPEND, 0666), "numbers");
  if (dprintf (fd, "%d\n", number) < 0)
    broken ("numbers");
  usleep (20000);
}

/* --- sockets */

static const struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = 0 };

static struct sockaddr_in
address (int port)
{
  struct sockaddr_in a = here;

  a.sin_port = htons ((unsigned short) port);
  a.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  return a;
}

static int
connect_to (int port)
{
  const struct sockaddr_in a = address (port);
  int fd = good (socket (AF_INET, SOCK_STREAM, 0), "socket");

  good (connect (fd, (const struct sockaddr *) &a, sizeof a), "connect");
  return fd;
}

static int
listen_at (int port)
{
  const struct sockaddr_in a = address (port);
  int fd = good (socket (AF_INET, SOCK_STREAM, 0), "socket");

  good (bind (fd, (const struct sockaddr *) &a, sizeof a), "bind");
  good (listen (fd, 5), "listen");
  return fd;
}

/* Writes numbers into OUT and counts what comes out of IN.  */
static _Noreturn void
pass_through (int out, int in)
{
  for (int i = 1;; i++)
    {
      int got = 0;

      if (send (out, &i, sizeof i, MSG_NOSIGNAL) != sizeof i)
        broken ("send");
      if (recv (in, &got, sizeof got, MSG_WAITALL) != sizeof got)
        broken ("recv");
      count (got);
    }
}

static void
hold_tcp (const char *argument)
{
  int listener, out;

  if (argument)
    {
      out = connect_to (atoi (argument));
      pass_through (out, out);
    }
  listener = listen_at (PORT);
  out = connect_to (PORT);
  pass_through (out, good (accept (listener, NULL, NULL), "accept"));
}

static void
hold_unaccepted (const char *argument)
{
  (void) argument;
  (void) listen_at (PORT);
  (void) connect_to (PORT);
  for (int i = 1;; i++)
    count (i);
}

static void
hold_unix (const char *argument)
{
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  int fd = good (socket (AF_UNIX, SOCK_DGRAM, 0), "socket");

  snprintf (a.sun_path, sizeof a.sun_path, "%s", argument);
  good (connect (fd, (const struct sockaddr *) &a, sizeof a), "connect");
  for (int i = 1;; i++)
    {
      if (send (fd, &i, sizeof i, 0) != sizeof i)
        broken ("send");
      count (i);
    }
}

/* --- files */

static struct flock
part (void)
{
  return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20 };
}

static void
hold_lock (const char *argument)
{
  struct flock l = part ();
  int fd = good (open ("/tmp/lock", O_RDWR | O_CREAT, 0666), "open");

  (void) argument;
  good (fcntl (fd, F_SETLK, &l), "lock");
  for (int i = 1;; i++)
    count (i);
}

static void
tell_lock (void)
{
  struct flock l = part ();
  int fd = good (open ("/tmp/lock", O_RDWR), "open");

  good (fcntl (fd, F_GETLK, &l), "lock");
  if (l.l_type == F_UNLCK)
    puts ("free");
  else
    printf ("process %d from %ld, %ld bytes\n", l.l_pid, (long) l.l_start, (long) l.l_len);
}

static void
hold_unlinked (const char *argument)
{
  int fd = good (open ("/tmp/first", O_WRONLY | O_CREAT | O_APPEND, 0666), "open");

  (void) argument;
  good (link ("/tmp/first", "/tmp/numbers"), "link");
  good (unlink ("/tmp/first"), "unlink");
  for (int i = 1;; i++)
    {
      if (dprintf (fd, "%d\n", i) < 0)
        broken ("write");
      usleep (20000);
    }
}

/* --- memory */

/* What is in page P after round ROUND: it says who it is, and when it changed last.  */
static unsigned
content (size_t p, unsigned round)
{
  return (unsigned) p * 2654435761u + (p % CHANGED == 0 ? round : 0);
}

static void
hold_memory (const char *argument)
{
  size_t n = (size_t) atoi (argument) * (1 << 20) / PAGE;
  char *m = mmap (NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (m == MAP_FAILED)
    broken ("mmap");
  (void) madvise (m, n * PAGE, MADV_NOHUGEPAGE); /* of a huge page all is changed when a part is */
  for (unsigned round = 0;; round++)
    {
      for (size_t p = 0; p < n; p++)
        {
          unsigned *word = (unsigned *) (m + p * PAGE);

          if (round > 0 && *word != content (p, round - 1))
            broken ("a page is not what it was");
          if (round == 0 || p % CHANGED == 0)
            *word = content (p, round);
        }
      count ((int) round + 1);
    }
}

static const struct
{
  const char *what;
  void (*hold) (const char *argument);
  void (*tell) (void);
} things[] = {
  { "tcp", hold_tcp, NULL },   { "unaccepted", hold_unaccepted, NULL }, { "unix", hold_unix, NULL },
  { "lock", hold_lock, tell_lock }, { "unlinked", hold_unlinked, NULL },     { "memory", hold_memory, NULL },
};

int
main (int argc, char **argv)
{
  int tell = argc > 1 && strcmp (argv[1], "tell") == 0;

  for (size_t i = 0; argc > 1 + tell && i < sizeof things / sizeof *things; i++)
    if (strcmp (things[i].what, argv[1 + tell]) == 0)
      {
        if (tell)
          things[i].tell ();
        else
          things[i].hold (argv[2]);
        return 0;
      }
  return 2;
}
