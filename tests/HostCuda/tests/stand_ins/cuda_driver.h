// The driver functions that the tests of the stand-ins call: those of libcuda.so.1.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C"
{
int cuInit(unsigned flags);
int cuDriverGetVersion(int* version);
int cuDeviceGet(int* device, int ordinal);
int cuDeviceGetAttribute(int* value, int attribute, int device);
int cuDevicePrimaryCtxRetain(void** context, int device);
int cuDevicePrimaryCtxRelease_v2(int device);
int cuDevicePrimaryCtxReset_v2(int device);
int cuCtxSetCurrent(void* context);
int cuCtxSynchronize();
int cuGetErrorName(int status, const char** name);
int cuMemAlloc_v2(std::uint64_t* address, std::size_t bytes);
int cuMemFree_v2(std::uint64_t address);
int cuMemGetInfo_v2(std::size_t* free, std::size_t* total);
int cuMemHostAlloc(void** memory, std::size_t bytes, unsigned flags);
int cuMemFreeHost(void* memory);
int cuMemcpyHtoD_v2(std::uint64_t target, const void* source, std::size_t bytes);
int cuMemcpyDtoH_v2(void* target, std::uint64_t source, std::size_t bytes);
int cuMemcpyHtoDAsync_v2(std::uint64_t target, const void* source, std::size_t bytes, void* stream);
int cuMemcpyDtoHAsync_v2(void* target, std::uint64_t source, std::size_t bytes, void* stream);
int cuMemcpyDtoDAsync_v2(std::uint64_t target, std::uint64_t source, std::size_t bytes, void* stream);
int cuMemsetD8Async(std::uint64_t target, unsigned char value, std::size_t count, void* stream);
int cuMemsetD32_v2(std::uint64_t target, unsigned value, std::size_t count);
int cuModuleLoadData(void** module, const void* image);
int cuModuleLoadDataEx(void** module, const void* image, unsigned count, int* options, void** values);
int cuModuleUnload(void* module);
int cuModuleGetFunction(void** function, void* module, const char* name);
int cuFuncSetAttribute(void* function, int attribute, int value);
int cuFuncGetAttribute(int* value, int attribute, void* function);
int cuLaunchKernel(
    void* function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
    void* stream, void** arguments, void** extra);
int cuStreamCreate(void** stream, unsigned flags);
int cuStreamDestroy_v2(void* stream);
int cuStreamSynchronize(void* stream);
int cuStreamQuery(void* stream);
int cuStreamWaitEvent(void* stream, void* event, unsigned flags);
int cuStreamBeginCapture_v2(void* stream, int mode);
int cuStreamEndCapture(void* stream, void** graph);
int cuStreamIsCapturing(void* stream, int* status);
int cuEventCreate(void** event, unsigned flags);
int cuEventDestroy_v2(void* event);
int cuEventRecord(void* event, void* stream);
int cuEventQuery(void* event);
int cuEventSynchronize(void* event);
int cuEventElapsedTime(float* milliseconds, void* first, void* second);
int cuGraphDestroy(void* graph);
int cuGraphGetNodes(void* graph, void** nodes, std::size_t* count);
int cuGraphInstantiateWithFlags(void** exec, void* graph, std::uint64_t flags);
int cuGraphExecUpdate_v2(void* exec, void* graph, void* result);
int cuGraphExecDestroy(void* exec);
int cuGraphLaunch(void* exec, void* stream);
}
