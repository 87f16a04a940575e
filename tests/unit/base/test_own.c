/* SPDX-License-Identifier: Apache-2.0 */
/* Ownership: what leaves scope is released, what was given away is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"

static int
is_open (int fd)
{
  return fcntl (fd, F_GETFD) >= 0;
}

static int
use_and_drop (void)
{
  own_fd int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int number = fd;

  assert_true (is_open (number));
  return number;
}

static int
use_and_keep (void)
{
  own_fd int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  return take_fd (&fd);
}

static void
own_fd_closes (void **state)
{
  (void) state;
  assert_false (is_open (use_and_drop ()));
}

static void
own_fd_closes_zero (void **state)
{
  (void) state;
  int saved = dup (0), zero;

  close (0);
  zero = use_and_drop (); /* the lowest free number */
  assert_int_equal (zero, 0);
  assert_false (is_open (0));
  assert_int_equal (dup2 (saved, 0), saved >= 0 ? 0 : -1);
  own_close (&saved);
}

static void
own_fd_leaves_none_alone (void **state)
{
  (void) state;
  const int none = -1;

  errno = 0;
  own_close (&none);
  assert_int_equal (errno, 0);
}

static void
take_fd_gives_away (void **state)
{
  (void) state;
  own_fd int fd = use_and_keep ();
  int taken;

  assert_true (is_open (fd));
  taken = take_fd (&fd);
  assert_int_equal (fd, -1);
  assert_true (is_open (taken));
  close (taken);
}

static char *
make_text (void)
{
  own_mem char *text = malloc (10), *forgotten = malloc (10); /* a leak would be found by ASan */

  assert_non_null (text);
  assert_non_null (forgotten);
  text[0] = 'x';
  return take_ptr (text);
}

static void
take_ptr_gives_away (void **state)
{
  (void) state;
  own_mem char *text = make_text ();
  own_mem char *taken = take_ptr (text);

  assert_null (text);
  assert_int_equal (taken[0], 'x');
}

static void
take_ptr_evaluates_once (void **state)
{
  (void) state;
  char a, b, *list[] = { &a, &b };
  size_t i = 0;

  assert_ptr_equal (take_ptr (list[i++]), &a);
  assert_int_equal (i, 1);
  assert_null (list[0]);
  assert_ptr_equal (list[1], &b);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (own_fd_closes),      cmocka_unit_test (own_fd_closes_zero),  cmocka_unit_test (own_fd_leaves_none_alone),
    cmocka_unit_test (take_fd_gives_away), cmocka_unit_test (take_ptr_gives_away), cmocka_unit_test (take_ptr_evaluates_once),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
