// An entry point that marks the call and goes on as another one, whatever its parameters are (x86-64).
#pragma once

#define SOFTCUDA_PER_THREAD_JUMP(name, base)                        \
  asm(".text\n.globl " #name "\n.type " #name ", @function\n" #name \
      ":\n"                                                         \
      "push %rdi\npush %rsi\npush %rdx\n"                           \
      "push %rcx\npush %r8\npush %r9\n"                             \
      "sub $8, %rsp\n"                                              \
      "call softcudaNullStreamIsPerThread\n"                        \
      "add $8, %rsp\n"                                              \
      "pop %r9\npop %r8\npop %rcx\n"                                \
      "pop %rdx\npop %rsi\npop %rdi\n"                              \
      "jmp " #base "@PLT\n.size " #name ", .-" #name "\n");
