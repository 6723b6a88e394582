// Kernels with a fault each, and beside it the same without: `isFaulty` chooses. The tests show that the host's execution finds every one.
#include "device.cuh"

// Reverses a block's numbers through shared memory; faulty: no barrier between writing and reading.
extern "C" __global__ void reverse_block(const float* source, float* target, int isFaulty)
{
    __shared__ float numbers[256];
    const int thread = static_cast<int>(threadIdx.x);
    numbers[thread] = source[thread];
    if (!isFaulty)
    {
        __syncthreads();
    }
    target[thread] = numbers[static_cast<int>(blockDim.x) - 1 - thread];
}
MNR_KERNEL(reverse_block)

// A running sum whose barrier between reading and writing is missing: right in one order of threads, wrong in another.
extern "C" __global__ void add_neighbour(float* target, int isFaulty)
{
    __shared__ float numbers[64];
    const int thread = static_cast<int>(threadIdx.x);
    numbers[thread] = static_cast<float>(thread);
    __syncthreads();
    const float next = numbers[(thread + 1) % 64];
    if (!isFaulty)
    {
        __syncthreads();
    }
    numbers[thread] += next;
    __syncthreads();
    target[thread] = numbers[thread];
}
MNR_KERNEL(add_neighbour)

// The same between the lanes of a warp.
extern "C" __global__ void reverse_warp(const float* source, float* target, int isFaulty)
{
    __shared__ float numbers[32];
    const int lane = static_cast<int>(threadIdx.x);
    numbers[lane] = source[lane];
    if (!isFaulty)
    {
        __syncwarp();
    }
    target[lane] = numbers[31 - lane];
}
MNR_KERNEL(reverse_warp)

// Blocks that write the same place: the last one wins.
extern "C" __global__ void write_last(float* target, int isFaulty)
{
    if (threadIdx.x == 0)
    {
        target[isFaulty ? 0 : blockIdx.x] = static_cast<float>(blockIdx.x);
    }
}
MNR_KERNEL(write_last)

// Doubles `count` numbers; faulty: one more is written.
extern "C" __global__ void store_beyond(const float* source, float* target, int count, int isFaulty)
{
    const int index = static_cast<int>(threadIdx.x);
    if (index < count + isFaulty)
    {
        target[index] = 2.0f * (index < count ? source[index] : 1.0f);
    }
}
MNR_KERNEL(store_beyond)

// Sums `count` numbers; faulty: one more is read.
extern "C" __global__ void load_beyond(const float* source, float* target, int count, int isFaulty)
{
    float sum = 0;
    for (int i = 0; i < count + isFaulty; i++)
    {
        sum += source[i];
    }
    target[0] = sum;
}
MNR_KERNEL(load_beyond)

// A row of a shared array; faulty: one number behind it, which is the next row's first.
extern "C" __global__ void index_beyond(float* target, int isFaulty)
{
    __shared__ float rows[2][32];
    const int lane = static_cast<int>(threadIdx.x);
    rows[0][lane] = static_cast<float>(lane);
    rows[1][lane] = -1.0f;
    __syncwarp();
    target[lane] = rows[0][lane + isFaulty];
}
MNR_KERNEL(index_beyond)

// The same in dynamic shared memory, behind its end.
extern "C" __global__ void store_beyond_shared(float* target, int isFaulty)
{
    DYNAMIC_SHARED(float, numbers);
    const int lane = static_cast<int>(threadIdx.x);
    numbers[lane + isFaulty] = static_cast<float>(lane);
    __syncwarp();
    target[lane] = numbers[lane];
}
MNR_KERNEL(store_beyond_shared)

// Sums of shared numbers; faulty: the last of them is never written.
extern "C" __global__ void sum_unwritten(float* target, int isFaulty)
{
    __shared__ float numbers[32];
    const int lane = static_cast<int>(threadIdx.x);
    if (lane < 32 - isFaulty)
    {
        numbers[lane] = 1.0f;
    }
    __syncwarp();
    float sum = 0;
    for (int i = 0; i < 32; i++)
    {
        sum += numbers[i];
    }
    target[lane] = sum;
}
MNR_KERNEL(sum_unwritten)

// The largest of shared numbers, a NaN of which fmaxf swallows: only other bytes in fresh memory show the fault.
extern "C" __global__ void largest_unwritten(float* target, int isFaulty)
{
    __shared__ float numbers[32];
    const int lane = static_cast<int>(threadIdx.x);
    if (lane < 32 - isFaulty)
    {
        numbers[lane] = static_cast<float>(lane % 7);
    }
    __syncwarp();
    float largest = numbers[0];
    for (int i = 1; i < 32; i++)
    {
        largest = fmaxf(largest, numbers[i]);
    }
    target[lane] = largest;
}
MNR_KERNEL(largest_unwritten)

// Copies by four floats at a time; faulty: from the second float on.
extern "C" __global__ void copy_fours(const float* source, float* target, int isFaulty)
{
    const float4* fours = reinterpret_cast<const float4*>(source + isFaulty);
    reinterpret_cast<float4*>(target)[threadIdx.x] = fours[threadIdx.x];
}
MNR_KERNEL(copy_fours)

// Pairs: a load of 8 bytes that no host instruction minds.
extern "C" __global__ void copy_pairs(const float* source, float* target, int isFaulty)
{
    const float2* pairs = reinterpret_cast<const float2*>(source + isFaulty);
    reinterpret_cast<float2*>(target)[threadIdx.x] = pairs[threadIdx.x];
}
MNR_KERNEL(copy_pairs)

// A barrier that half of the block does not reach, as it waits for its own warp's lanes, which wait at the barrier.
extern "C" __global__ void divergent_barrier(float* target, int isFaulty)
{
    const int thread = static_cast<int>(threadIdx.x);
    if (!isFaulty || thread % 2 == 0)
    {
        __syncthreads();
    }
    target[thread] = warpSum(1.0f);
}
MNR_KERNEL(divergent_barrier)

// Halves of a block at different barriers.
extern "C" __global__ void two_barriers(float* target, int isFaulty)
{
    const int thread = static_cast<int>(threadIdx.x);
    target[thread] = 0;
    if (isFaulty && thread < 32)
    {
        __syncthreads();
        target[thread] = 1;
    }
    else
    {
        __syncthreads();
        target[thread] = 2;
    }
}
MNR_KERNEL(two_barriers)

// A shuffle that a lane of its mask never comes to.
extern "C" __global__ void lane_in_another_collective(float* target, int isFaulty)
{
    const int lane = static_cast<int>(threadIdx.x);
    if (isFaulty && lane == 5)
    {
        __syncwarp();
        target[lane] = 0;
        return;
    }
    target[lane] = warpSum(static_cast<float>(lane));
}
MNR_KERNEL(lane_in_another_collective)

// A copy into shared memory that is not waited for.
extern "C" __global__ void copy_unawaited(const float* source, float* target, int isFaulty)
{
    __shared__ __align__(16) float numbers[128];
    const int lane = static_cast<int>(threadIdx.x);
    cp_async_16(numbers + 4 * lane, source + 4 * lane);
    cp_async_commit();
    if (!isFaulty)
    {
        cp_async_wait<0>();
    }
    __syncthreads();
    target[lane] = numbers[lane];
    cp_async_wait<0>();
}
MNR_KERNEL(copy_unawaited)

extern "C" __global__ void follow_null(const float* source, float* target, int isFaulty)
{
    target[threadIdx.x] = isFaulty ? source[threadIdx.x] : 0.0f;
}
MNR_KERNEL(follow_null)

// An array that no thread has room for on the host, and few on a GPU; only the faulty way calls it.
__device__ __noinline__ float largeFrame(int lane)
{
    volatile float numbers[40000];
    for (int i = 0; i < 40000; i += 1000)
    {
        numbers[i] = static_cast<float>(lane);
    }
    return numbers[1000 * lane];
}

extern "C" __global__ void large_frame(float* target, int isFaulty)
{
    const int lane = static_cast<int>(threadIdx.x);
    target[lane] = isFaulty ? largeFrame(lane) : 0.0f;
}
MNR_KERNEL(large_frame)
