/* SPDX-License-Identifier: Apache-2.0 */
/* call NUMBER [ARGUMENT]...: makes one system call and prints what the kernel answers.
 *
 * Without a C library, so that one file serves 64 and 32 bits (gcc -m32): nothing else is called, and nothing but write and exit must
 * pass a filter.  Numbers are decimal; an argument of letters is its own address.  */
#if defined __x86_64__
__asm__(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n hlt\n");

static long
kernel (const long *a)
{
  register long r10 __asm__("r10") = a[4], r8 __asm__("r8") = a[5], r9 __asm__("r9") = a[6];
  long ret;

  __asm__ volatile("syscall"
                   : "=a"(ret)
                   : "a"(a[0]), "D"(a[1]), "S"(a[2]), "d"(a[3]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return ret;
}
enum
{
  NR_WRITE = 1,
  NR_EXIT = 60
};
#elif defined __i386__
__asm__(".globl _start\n_start:\n mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call begin\n hlt\n");

static long
kernel (const long *a) /* five arguments are enough here */
{
  long ret;

  __asm__ volatile("int $0x80"
                   : "=a"(ret)
                   : "a"(a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3]), "S"(a[4]), "D"(a[5])
                   : "memory");
  return ret;
}
enum
{
  NR_WRITE = 4,
  NR_EXIT = 1
};
#else
#error "this machine's calls are not known here"
#endif

static long
number (const char *text)
{
  unsigned long n = 0;
  const char *p = text;

  for (; *p >= '0' && *p <= '9'; p++)
    n = n * 10 + (unsigned long) (*p - '0');
  return *p ? (long) text : (long) n;
}

static void
print (long n)
{
  char text[24], *p = text + sizeof text;
  unsigned long rest = n < 0 ? -(unsigned long) n : (unsigned long) n;

  *--p = '\n';
  do
    *--p = (char) ('0' + rest % 10);
  while (rest /= 10);
  if (n < 0)
    *--p = '-';
  kernel ((long[7]){ NR_WRITE, 1, (long) p, text + sizeof text - p });
}

void begin (const long *stack);

void
begin (const long *stack)
{
  long a[7] = { 0 };

  for (long i = 1; i < stack[0] && i <= 7; i++)
    a[i - 1] = number ((const char *) stack[i + 1]);
  print (kernel (a));
  kernel ((long[7]){ NR_EXIT });
}
