// One kernel for each instruction that runtime/ has a twin of, and small ones for the driver's tests. All compile for a GPU too.
#include "device.cuh"

extern "C" __global__ void fill_numbers(float* target, float value, int count)
{
    const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (index < count)
    {
        target[index] = value;
    }
}
MNR_KERNEL(fill_numbers)

extern "C" __global__ void add_one(float* target, int count)
{
    const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (index < count)
    {
        target[index] += 1.0f;
    }
}
MNR_KERNEL(add_one)

// Who ran: (blockIdx, threadIdx) of each thread of a three-dimensional launch, six numbers at its rank.
extern "C" __global__ void write_indices(int* target)
{
    const int block = static_cast<int>((blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x);
    const int thread = static_cast<int>((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x);
    int* mine = target + 6 * (block * static_cast<int>(blockDim.x * blockDim.y * blockDim.z) + thread);
    mine[0] = static_cast<int>(blockIdx.x);
    mine[1] = static_cast<int>(blockIdx.y);
    mine[2] = static_cast<int>(blockIdx.z);
    mine[3] = static_cast<int>(threadIdx.x);
    mine[4] = static_cast<int>(threadIdx.y);
    mine[5] = static_cast<int>(threadIdx.z);
}
MNR_KERNEL(write_indices)

// The kinds of shuffle: 0 lane, 1 xor, 2 up, 3 down.
extern "C" __global__ void shuffle_numbers(const int* source, int* target, int kind, int argument, int width)
{
    const int lane = static_cast<int>(threadIdx.x);
    const int value = source[lane];
    target[lane] = kind == 0   ? __shfl_sync(AllLanes, value, argument, width)
                   : kind == 1 ? __shfl_xor_sync(AllLanes, value, argument, width)
                   : kind == 2 ? __shfl_up_sync(AllLanes, value, static_cast<unsigned>(argument), width)
                               : __shfl_down_sync(AllLanes, value, static_cast<unsigned>(argument), width);
}
MNR_KERNEL(shuffle_numbers)

// Each half of the warp shuffles and votes on its own, at its own time.
extern "C" __global__ void halves(int* sums, unsigned* votes)
{
    const int lane = static_cast<int>(threadIdx.x);
    const unsigned mask = lane < 16 ? 0x0000ffffu : 0xffff0000u;
    int sum = lane;
    if (lane < 16)
    {
        for (int distance = 8; distance > 0; distance /= 2)
        {
            sum += __shfl_xor_sync(mask, sum, distance);
        }
        votes[lane] = __ballot_sync(mask, lane % 2);
    }
    else
    {
        votes[lane] = __ballot_sync(mask, lane % 3 == 0);
        for (int distance = 8; distance > 0; distance /= 2)
        {
            sum += __shfl_xor_sync(mask, sum, distance);
        }
    }
    sums[lane] = sum;
}
MNR_KERNEL(halves)

extern "C" __global__ void vote(const int* values, int* results)
{
    const int value = values[threadIdx.x];
    const int any = __any_sync(AllLanes, value);
    const int all = __all_sync(AllLanes, value);
    if (threadIdx.x == 0)
    {
        results[0] = any;
        results[1] = all;
    }
}
MNR_KERNEL(vote)

// d (16, 8) = a (16, 16) b (16, 8): a row-major and b as (8, 16), row-major, through shared memory and ldmatrix.
extern "C" __global__ void multiply_tile(const unsigned short* a, const unsigned short* b, float* d)
{
    __shared__ __align__(16) unsigned short aTile[16 * 16];
    __shared__ __align__(16) unsigned short bTile[16 * 16];
    const int lane = static_cast<int>(threadIdx.x);
    for (int i = lane; i < 16 * 16; i += WarpSize)
    {
        aTile[i] = a[i];
        bTile[i] = i < 8 * 16 ? b[i] : static_cast<unsigned short>(0);
    }
    __syncwarp();
    unsigned aParts[4], bParts[4];
    // Matrices in the order of a's registers: rows 0-7, rows 8-15, then the same of columns 8-15.
    ldmatrix_x4(aParts, aTile + (lane % 16) * 16 + lane / 16 * 8);
    ldmatrix_x4(bParts, bTile + (lane % 8 + lane / 16 * 8) * 16 + lane / 8 % 2 * 8);
    const unsigned bOfTile[2] = {bParts[0], bParts[1]};
    float sums[4] = {};
    mma_m16n8k16_bf16(sums, aParts, bOfTile);
    const int g = lane / 4, t = lane % 4;
    d[g * 8 + 2 * t] = sums[0];
    d[g * 8 + 2 * t + 1] = sums[1];
    d[(g + 8) * 8 + 2 * t] = sums[2];
    d[(g + 8) * 8 + 2 * t + 1] = sums[3];
}
MNR_KERNEL(multiply_tile)

// Four 8 x 8 matrices, as each lane gets them: lane's register i at target[4 lane + i].
extern "C" __global__ void load_matrices(const unsigned short* source, unsigned* target, int isTransposed)
{
    __shared__ __align__(16) unsigned short rows[4 * 64];
    const int lane = static_cast<int>(threadIdx.x);
    for (int i = lane; i < 4 * 64; i += WarpSize)
    {
        rows[i] = source[i];
    }
    __syncwarp();
    unsigned parts[4];
    if (isTransposed)
    {
        ldmatrix_x4_trans(parts, rows + 8 * lane);
    }
    else
    {
        ldmatrix_x4(parts, rows + 8 * lane);
    }
    for (int i = 0; i < 4; i++)
    {
        target[4 * lane + i] = parts[i];
    }
}
MNR_KERNEL(load_matrices)

// Two groups of copies in flight, used one after the other.
extern "C" __global__ void copy_through_shared(const float* source, float* target)
{
    __shared__ __align__(16) float first[128];
    __shared__ __align__(16) float second[128];
    const int lane = static_cast<int>(threadIdx.x);
    cp_async_16(first + 4 * lane, source + 4 * lane);
    cp_async_commit();
    cp_async_16(second + 4 * lane, source + 128 + 4 * lane);
    cp_async_commit();
    cp_async_wait<1>();
    __syncthreads();
    for (int i = 0; i < 4; i++)
    {
        target[4 * lane + i] = first[127 - 4 * lane - i];
    }
    cp_async_wait<0>();
    __syncthreads();
    for (int i = 0; i < 4; i++)
    {
        target[128 + 4 * lane + i] = second[127 - 4 * lane - i];
    }
}
MNR_KERNEL(copy_through_shared)

// Sums a block's numbers in dynamic shared memory; threads beyond `count` leave before the barriers.
extern "C" __global__ void sum_block(const float* source, float* sums, int count)
{
    DYNAMIC_SHARED(float, numbers);
    const int thread = static_cast<int>(threadIdx.x);
    if (thread >= count)
    {
        return;
    }
    numbers[thread] = source[thread];
    __syncthreads();
    for (int distance = 1; distance < count; distance *= 2)
    {
        const float other = thread + distance < count ? numbers[thread + distance] : 0.0f;
        __syncthreads();
        numbers[thread] += other;
        __syncthreads();
    }
    if (thread == 0)
    {
        sums[blockIdx.x] = numbers[0];
    }
}
MNR_KERNEL(sum_block)

extern "C" __global__ void count_threads(unsigned* counter, float* sum)
{
    atomicAdd(counter, 1u);
    atomicAdd(sum, 0.5f);
}
MNR_KERNEL(count_threads)

// Whether shared memory was as good as new at a block's start: no number of the block before may be left.
extern "C" __global__ void leave_numbers(float* found)
{
    __shared__ float numbers[32];
    DYNAMIC_SHARED(float, dynamic);
    const int thread = static_cast<int>(threadIdx.x);
    found[blockIdx.x * 64 + threadIdx.x] = numbers[thread];
    found[blockIdx.x * 64 + 32 + threadIdx.x] = dynamic[thread];
    __syncthreads();
    numbers[thread] = 1.0f;
    dynamic[thread] = 1.0f;
}
MNR_KERNEL(leave_numbers)
