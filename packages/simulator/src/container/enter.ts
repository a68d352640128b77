/**
 * The instructions of the enter program for amd64, without library, data or relocations.
 *
 * The enter program runs last before the container's program. bwrap leaves capabilities in the inheritable and ambient sets,
 * where a real container has none, and not every image contains a tool that empties them. The program
 *
 * 1. writes to descriptor 7 and waits for an answer. bwrap asks the kernel to kill it when its parent dies, but this has no
 *    effect if the parent died earlier. An answer proves that the parent is alive.
 * 2. moves descriptors 4 and 5 to standard output and error, and closes all others;
 * 3. empties the inheritable set, and with it the ambient set;
 * 4. executes `argv[1]`.
 *
 * If a step fails, it exits with 127.
 */
const INSTRUCTIONS = [
  'b8 01 00 00 00', //          mov  eax, 1              write(7, rsp, 1)
  'bf 07 00 00 00', //          mov  edi, 7
  '48 89 e6', //                mov  rsi, rsp
  'ba 01 00 00 00', //          mov  edx, 1
  '0f 05', //                   syscall
  '31 c0', //                   xor  eax, eax            read(7, rsp-128, 1)
  '48 8d 74 24 80', //          lea  rsi, [rsp-128]
  '0f 05', //                   syscall
  'ff c8', //                   dec  eax
  '0f 85 92 00 00 00', //       jnz  fail
  'b8 21 00 00 00', //          mov  eax, 33             dup2(4, 1)
  'bf 04 00 00 00', //          mov  edi, 4
  'be 01 00 00 00', //          mov  esi, 1
  '0f 05', //                   syscall
  'b8 21 00 00 00', //          mov  eax, 33             dup2(5, 2)
  'bf 05 00 00 00', //          mov  edi, 5
  'be 02 00 00 00', //          mov  esi, 2
  '0f 05', //                   syscall
  'b8 b4 01 00 00', //          mov  eax, 436            close_range(3, ~0, 0)
  'bf 03 00 00 00', //          mov  edi, 3
  'be ff ff ff ff', //          mov  esi, -1
  '31 d2', //                   xor  edx, edx
  '0f 05', //                   syscall
  '85 c0', //                   test eax, eax
  '75 59', //                   jnz  fail
  '48 83 ec 20', //             sub  rsp, 32
  'c7 04 24 22 05 08 20', //    mov  dword [rsp], 0x20080522   version 3, own process
  'c7 44 24 04 00 00 00 00', // mov  dword [rsp+4], 0
  'b8 7d 00 00 00', //          mov  eax, 125            capget(rsp, rsp+8)
  '48 89 e7', //                mov  rdi, rsp
  '48 8d 74 24 08', //          lea  rsi, [rsp+8]
  '0f 05', //                   syscall
  'c7 44 24 10 00 00 00 00', // mov  dword [rsp+16], 0   inheritable, low half
  'c7 44 24 1c 00 00 00 00', // mov  dword [rsp+28], 0   inheritable, high half
  'b8 7e 00 00 00', //          mov  eax, 126            capset(rsp, rsp+8)
  '0f 05', //                   syscall
  '85 c0', //                   test eax, eax
  '75 1c', //                   jnz  fail
  '48 83 c4 20', //             add  rsp, 32
  '48 8b 04 24', //             mov  rax, [rsp]          argc
  '48 8d 74 24 10', //          lea  rsi, [rsp+16]       argv + 1
  '48 8b 3e', //                mov  rdi, [rsi]
  '48 8d 54 c4 10', //          lea  rdx, [rsp+rax*8+16] envp
  'b8 3b 00 00 00', //          mov  eax, 59             execve
  '0f 05', //                   syscall
  'bf 7f 00 00 00', //    fail: mov  edi, 127
  'b8 3c 00 00 00', //          mov  eax, 60             exit
  '0f 05' //                    syscall
];

const BASE = 0x400000n;
const HEADERS = 64 + 56;

/** Returns the enter program as a static ELF file with one read-only segment. */
export function enterProgram(): Buffer {
  const code = Buffer.from(INSTRUCTIONS.join('').replaceAll(' ', ''), 'hex');
  const size = BigInt(HEADERS + code.length);
  const elf = Buffer.alloc(HEADERS);
  elf.write('\x7fELF\x02\x01\x01', 'latin1'); // 64 bit, little-endian, version 1
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(62, 18); // amd64
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BASE + BigInt(HEADERS), 24); // entry point
  elf.writeBigUInt64LE(64n, 32); // program headers begin
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // a segment to load
  elf.writeUInt32LE(5, 68); // readable, executable
  elf.writeBigUInt64LE(BASE, 80);
  elf.writeBigUInt64LE(BASE, 88);
  elf.writeBigUInt64LE(size, 96);
  elf.writeBigUInt64LE(size, 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([elf, code]);
}
