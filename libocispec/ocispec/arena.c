/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is released all at once: one document, one arena.  */
#include "ocispec/table.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum
{
  CHUNK_MIN = 8 << 10, /* a config.json of 20 KiB takes 2 or 3 chunks */
  CHUNK_MAX = 256 << 10
};

struct oci_arena
{
  struct oci_arena *next;
  size_t total; /* bytes of this chunk and all after it */
  size_t size;
  size_t used;
  alignas (max_align_t) char data[];
};

/* Puts a chunk with room for SIZE bytes before *ARENA.  Chunks double, so that there are few, and all is zeroed once.
 */
static struct oci_arena *
grow (struct oci_arena **arena, size_t size)
{
  size_t want = *arena ? (*arena)->size * 2 : CHUNK_MIN;
  struct oci_arena *fresh;

  if (want > CHUNK_MAX)
    want = CHUNK_MAX;
  if (want < size)
    want = size;
  if (want > SIZE_MAX - sizeof *fresh)
    return NULL;
  fresh = calloc (1, sizeof *fresh + want);
  if (fresh == NULL)
    return NULL;
  fresh->next = *arena;
  fresh->total = sizeof *fresh + want + oci_arena_size (*arena);
  fresh->size = want;
  *arena = fresh;
  return fresh;
}

/* Takes SIZE bytes at a multiple of ALIGN, a power of 2.  */
static void *
take (struct oci_arena **arena, size_t size, size_t align)
{
  struct oci_arena *a = *arena;
  size_t at = a ? (a->used + align - 1) & ~(align - 1) : 0;

  if (a == NULL || at > a->size || size > a->size - at)
    {
      a = grow (arena, size);
      if (a == NULL)
        return NULL;
      at = 0;
    }
  a->used = at + size;
  return a->data + at;
}

void *
oci_alloc (struct oci_arena **arena, size_t size)
{
  return take (arena, size ? size : 1, alignof (max_align_t));
}

char *
oci_strndup (struct oci_arena **arena, const char *text, size_t len)
{
  char *copy = len < SIZE_MAX ? take (arena, len + 1, 1) : NULL;

  if (copy == NULL)
    return NULL;
  memcpy (copy, text, len);
  copy[len] = '\0';
  return copy;
}

size_t
oci_arena_size (const struct oci_arena *arena)
{
  return arena ? arena->total : 0;
}

void
oci_arena_free (struct oci_arena *arena)
{
  while (arena)
    {
      struct oci_arena *next = arena->next;

      free (arena);
      arena = next;
    }
}
