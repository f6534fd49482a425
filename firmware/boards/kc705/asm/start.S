# Vectors, start, interrupt entry and exit. Core de212: Xtensa ISA RM, 4.4.1 (exceptions), 4.4.5
# (high-priority interrupts); vector offsets and interrupt levels from its core-isa.h.

    .include "registers.inc"

    .section .vectors,"ax"
    .global _vecbase
    .align 4
_vecbase:
    .org 0x240            # level 5: timer 2, the watchdog
    wsr_high 0 EXCSAVE5
    j _watchdog
    .org 0x300            # exception in kernel mode, and level 1 interrupts
    wsr.excsave1 a0
    j _exception
    .org 0x340            # the same in user mode
    wsr.excsave1 a0
    j _exception
    .org 0x3c0            # exception within an exception
    j _double
    .org 0x400

    .section .text.start,"ax"
    .literal_position
    .align 4
    .global _start
_start:
    movi a0, 0
    # INTLEVEL 15, and EXCM clear: with EXCM set every exception would be a double one.
    movi a2, 0x0f
    wsr.ps a2
    rsync
    wsr.intenable a0
    movi a2, _vecbase
    wsr.vecbase a2
    rsync
    movi a1, _stack_top
    # Painted, so that the harness sees how deep the stack has ever been.
    movi a2, _stack_bottom
    movi a4, 0x5aa5c33c
1:  s32i a4, a2, 0
    addi a2, a2, 4
    bltu a2, a1, 1b
    movi a2, _bss_start
    movi a3, _bss_end
    movi a4, 0
1:  bgeu a2, a3, 2f
    s32i a4, a2, 0
    addi a2, a2, 4
    j 1b
2:  movi a0, firmware_main
    callx0 a0
3:  j 3b

    # The stack may be what is broken: faults are told from a stack of their own.
    .align 4
_double:
    rsr.depc a2
    rsr.exccause a3
    movi a1, _fault_stack_top
    movi a0, exception
    callx0 a0

    .align 4
_exception:
    addi a1, a1, -64
    s32i a2, a1, 4
    s32i a3, a1, 8
    rsr.exccause a3
    beqi a3, 4, 1f
    rsr.epc1 a2
    movi a1, _fault_stack_top
    movi a0, exception
    callx0 a0

    # Level 1 interrupt: what the call0 ABI does not preserve, and what a second exception destroys.
1:  rsr.excsave1 a2
    s32i a2, a1, 0
    s32i a4, a1, 12
    s32i a5, a1, 16
    s32i a6, a1, 20
    s32i a7, a1, 24
    s32i a8, a1, 28
    s32i a9, a1, 32
    s32i a10, a1, 36
    s32i a11, a1, 40
    rsr.sar a2
    s32i a2, a1, 44
    rsr.epc1 a2
    s32i a2, a1, 48
    rsr.ps a2
    s32i a2, a1, 52
    # INTLEVEL 3, EXCM clear: the watchdog still interrupts, and a fault in here is told as one.
    movi a2, 3
    wsr.ps a2
    rsync
    movi a0, interrupt
    callx0 a0
    l32i a2, a1, 52       # EXCM set again, until rfe
    wsr.ps a2
    rsync
    l32i a2, a1, 48
    wsr.epc1 a2
    l32i a2, a1, 44
    wsr.sar a2
    l32i a3, a1, 8
    l32i a4, a1, 12
    l32i a5, a1, 16
    l32i a6, a1, 20
    l32i a7, a1, 24
    l32i a8, a1, 28
    l32i a9, a1, 32
    l32i a10, a1, 36
    l32i a11, a1, 40
    l32i a0, a1, 0
    l32i a2, a1, 4
    addi a1, a1, 64
    rfe

    # Every period: starving twice in a row is a hang. Level 5 is above every mask of the firmware.
    .align 4
_watchdog:
    movi a0, watchdog_words
    s32i a2, a0, 0
    s32i a3, a0, 4
    l32i a2, a0, 8
    beqz a2, 1f
    bnei a2, 1, 2f        # asleep: nothing to do is no hang
    movi a2, 0
    s32i a2, a0, 8
2:  rsr.ccount a2
    l32i a3, a0, 12
    add a2, a2, a3
    wsr_high 2 CCOMPARE2
    esync
    l32i a2, a0, 0
    l32i a3, a0, 4
    rsr_high 0 EXCSAVE5
    rfi 5
1:  rsr_high 2 EPC5
    movi a1, _fault_stack_top
    movi a0, watchdog_expired
    callx0 a0

    .section .bss.faults,"aw",@nobits
    .align 16
    # Two saved registers, the state, the period.
    .global watchdog_words
watchdog_words:
    .space 16
    .space 4096
_fault_stack_top:
    .space 16
