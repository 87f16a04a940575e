/* SPDX-License-Identifier: Apache-2.0 */
/* The child program as read-only bytes inside the library; see init_image.h.  */
	.section .rodata
	.globl	orlop_init_image_start
	.hidden	orlop_init_image_start
	.globl	orlop_init_image_end
	.hidden	orlop_init_image_end
	.balign	64
orlop_init_image_start:
#include "orlop-init.inc"
orlop_init_image_end:
	.byte	0
	.section .note.GNU-stack,"",%progbits
