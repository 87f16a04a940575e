/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of plans; see arena.h.  Must never move what it has handed out. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "plan/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"

#ifndef MAP_FIXED_NOREPLACE /* Linux 4.17; older kernels take the address as a hint, which is checked below */
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 0x0001U
#endif

/* Where mappings are tried: far from what kernel, libc and sanitizers choose, and below the end of the smallest address space
 * (39 bits on some arm64 and riscv kernels for the second, 3 GiB for 32 bits).  */
static const uintptr_t bases[] = {
#if UINTPTR_MAX > 0xffffffffu
  (uintptr_t) 0x200000000000,
  (uintptr_t) 0x2000000000,
#else
  (uintptr_t) 0x20000000,
#endif
};

enum
{
  ARENA_SIZE = 64 << 20, /* a config.json has at most 16 MiB and each of its strings is copied once, some twice */
  ARENA_SLOTS = 16,
  ARENA_ALIGN = 16
};

/* Maps FD at ADDRESS if that is free.  Returns NULL if it is not.  */
static char *
map_at (int fd, uintptr_t address)
{
  void *p = mmap ((void *) address, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);

  if (p == MAP_FAILED)
    return NULL;
  if ((uintptr_t) p == address)
    return p;
  (void) munmap (p, ARENA_SIZE); /* ours, at a wrong place */
  return NULL;
}

static char *
map_somewhere (int fd)
{
  for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
    for (size_t slot = 0; slot < ARENA_SLOTS; slot++)
      {
        char *p = map_at (fd, bases[b] + slot * ARENA_SIZE);
        if (p)
          return p;
      }
  return NULL;
}

int
plan_arena_open (struct plan_arena *a, struct err *err)
{
  char *base;

  *a = (struct plan_arena){ .fd = -1 };
  own_fd int fd = memfd_create ("orlop-plan", MFD_CLOEXEC);
  if (fd < 0)
    return err_sys (err, errno, "memfd_create", "orlop-plan");
  if (ftruncate (fd, ARENA_SIZE) < 0)
    return err_sys (err, errno, "ftruncate", "plan of %d bytes", ARENA_SIZE);
  base = map_somewhere (fd);
  if (base == NULL)
    return err_sys (err, errno, "mmap", "plan at a fixed address");
  *a = (struct plan_arena){ .base = base, .size = ARENA_SIZE, .fd = take_fd (&fd) };
  return 0;
}

void
plan_arena_close (struct plan_arena *a)
{
  if (a->base)
    (void) munmap (a->base, a->size);
  own_close (&a->fd);
  *a = (struct plan_arena){ .fd = -1 };
}

void *
plan_alloc (struct plan_arena *a, size_t n)
{
  size_t rounded = (n + ARENA_ALIGN - 1) & ~(size_t) (ARENA_ALIGN - 1);
  char *p = a->base + a->used;

  if (rounded < n || rounded > a->size - a->used)
    return NULL;
  a->used += rounded;
  return p; /* zeroed: pages of a memfd are, and nothing is ever given back */
}

const char *
plan_strdup (struct plan_arena *a, const char *text)
{
  char *copy;
  size_t len;

  if (text == NULL)
    return NULL;
  len = strlen (text) + 1;
  copy = plan_alloc (a, len);
  return copy ? memcpy (copy, text, len) : NULL;
}

const char *
plan_printf (struct plan_arena *a, const char *fmt, ...)
{
  va_list args;
  char *copy;
  int len;

  va_start (args, fmt);
  len = vsnprintf (NULL, 0, fmt, args);
  va_end (args);
  copy = len < 0 ? NULL : plan_alloc (a, (size_t) len + 1);
  if (copy == NULL)
    return NULL;
  va_start (args, fmt);
  (void) vsnprintf (copy, (size_t) len + 1, fmt, args); /* fits: measured above */
  va_end (args);
  return copy;
}
