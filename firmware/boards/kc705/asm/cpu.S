# What Rust cannot say on this core: special registers, and the compiler's atomic accesses. This
# compiler has no `asm!` for Xtensa.

    .include "registers.inc"

    .macro function name
    .section .text.\name,"ax"
    .literal_position
    .align 4
    .global \name
    .type \name,@function
\name:
    .endm

    function cpu_cycles
    rsr.ccount a2
    ret

    function cpu_set_alarm
    wsr.ccompare0 a2
    esync
    ret

    # (cycles from now, period)
    function cpu_start_watchdog
    movi a3, watchdog_words
    s32i a2, a3, 12
    rsr.ccount a4
    add a2, a2, a4
    wsr_high 2 CCOMPARE2
    esync
    ret

    function cpu_set_watchdog
    movi a3, watchdog_words
    s32i a2, a3, 8
    ret

    function cpu_enable_interrupts
    wsr.intenable a2
    rsync
    ret

    function cpu_pending_interrupts
    rsr.interrupt a2
    rsr.intenable a3
    and a2, a2, a3
    ret

    # INTLEVEL 3 masks every interrupt of the firmware but the watchdog's.
    function cpu_mask
    rsil a2, 3
    ret

    # The watchdog's too.
    function cpu_mask_all
    rsil a2, 15
    ret

    function cpu_set_ps
    wsr.ps a2
    rsync
    ret

    # Unmasks and waits in one step.
    function cpu_sleep
    waiti 0
    ret

    function cpu_fault_address
    rsr.excvaddr a2
    ret

    .section .text.abort,"ax"
    .global abort
abort:
    ill

    .macro atomic name load store
    function __atomic_load_\name
    memw
    \load a2, a2, 0
    memw
    ret
    function __atomic_store_\name
    memw
    \store a3, a2, 0
    memw
    ret
    .endm
    atomic 1 l8ui s8i
    atomic 2 l16ui s16i
    atomic 4 l32i s32i
