// A file of recorded launches: Mark, then launch after launch until the end. Numbers are as this machine writes them.
//
//   launch: u32 length and text of the kernel's name; u32 grid[3], block[3], sharedBytes; u32 arguments, each u32 size and its bytes;
//           u32 regions, each u64 address, u64 bytes and the memory's content before the launch, page by page of PageBytes: u8 0 and the
//           page (the last one may be shorter), or u8 1 and the one byte that it is full of, as most of an arena is.
//
// Regions are the allocations that pointer arguments point into.
#pragma once

#include <cstddef>

namespace mnr_host
{
constexpr char RecordingMark[8] = {'M', 'N', 'R', 'L', 'N', 'C', 'H', '2'};
constexpr std::size_t PageBytes = 4096;
}
