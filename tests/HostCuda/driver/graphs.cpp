// Graphs: what a capture recorded, made ready to be launched.
#include "state.h"

using namespace mnr_driver;

namespace
{
struct UpdateResult
{
    int result;
    void* errorNode;
    void* errorFromNode;
};

constexpr int UpdateSuccess = 0, TopologyChanged = 2, NodeTypeChanged = 3;

int instantiate(GraphExec** exec, Graph* graph)
{
    return withContext(
        In::NoCapture,
        [&](Context& context)
        {
            if (state().graphs.count(graph) == 0 || exec == nullptr)
            {
                return InvalidValue;
            }
            // On a GPU an executable graph takes memory of the device.
            if (++state().graphCount == settings().failGraph)
            {
                return OutOfMemory;
            }
            *exec = new GraphExec{&context, *graph};
            state().graphExecs.insert(*exec);
            return Success;
        });
}

// Another capture's parameters take the place of an executable graph's where both have the same nodes.
int update(GraphExec* exec, Graph* graph, int& result)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            if (state().graphExecs.count(exec) == 0 || state().graphs.count(graph) == 0)
            {
                return InvalidValue;
            }
            drainAll(context);
            const std::vector<Node>& old = exec->graph.nodes;
            result = old.size() == graph->nodes.size() ? UpdateSuccess : TopologyChanged;
            for (std::size_t i = 0; i < old.size() && result == UpdateSuccess; i++)
            {
                result = old[i].dependencies != graph->nodes[i].dependencies  ? TopologyChanged
                         : old[i].work.type != graph->nodes[i].work.type ? NodeTypeChanged
                                                                          : UpdateSuccess;
            }
            if (result != UpdateSuccess)
            {
                return GraphExecUpdateFailure;
            }
            exec->graph = *graph;
            return Success;
        });
}
}

extern "C"
{
int cuGraphCreate(Graph** graph, unsigned)
{
    return initialized(
        [&]
        {
            *graph = new Graph();
            state().graphs.insert(*graph);
            return Success;
        });
}

int cuGraphDestroy(Graph* graph)
{
    return initialized(
        [&]
        {
            if (state().graphs.erase(graph) == 0)
            {
                return InvalidValue;
            }
            retire(graph);
            return Success;
        });
}

int cuGraphGetNodes(Graph* graph, void** nodes, std::size_t* count)
{
    return initialized(
        [&]
        {
            if (state().graphs.count(graph) == 0 || count == nullptr)
            {
                return InvalidValue;
            }
            for (std::size_t i = 0; nodes != nullptr && i < *count && i < graph->nodes.size(); i++)
            {
                nodes[i] = &graph->nodes[i];
            }
            *count = graph->nodes.size();
            return Success;
        });
}

int cuGraphNodeGetType(Node* node, int* type)
{
    *type = static_cast<int>(node->work.type);
    return Success;
}

int cuGraphInstantiateWithFlags(GraphExec** exec, Graph* graph, std::uint64_t)
{
    return instantiate(exec, graph);
}

int cuGraphInstantiate_v2(GraphExec** exec, Graph* graph, void**, char*, std::size_t)
{
    return instantiate(exec, graph);
}

int cuGraphExecUpdate_v2(GraphExec* exec, Graph* graph, UpdateResult* result)
{
    UpdateResult own = {};
    UpdateResult& told = result == nullptr ? own : *result;
    told = {};
    return update(exec, graph, told.result);
}

int cuGraphExecUpdate(GraphExec* exec, Graph* graph, void** errorNode, int* result)
{
    *errorNode = nullptr;
    return update(exec, graph, *result);
}

int cuGraphExecDestroy(GraphExec* exec)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            drainAll(context);
            if (state().graphExecs.erase(exec) == 0)
            {
                return InvalidValue;
            }
            retire(exec);
            return Success;
        });
}

int cuGraphUpload(GraphExec* exec, void*)
{
    return withContext(In::AnyState, [&](Context&) { return state().graphExecs.count(exec) == 0 ? InvalidValue : Success; });
}

int cuGraphLaunch(GraphExec* exec, void* handle)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            Stream* stream = findStream(context, handle);
            if (stream == nullptr || state().graphExecs.count(exec) == 0)
            {
                return static_cast<int>(stream == nullptr ? InvalidHandle : InvalidValue);
            }
            if (stream->capture != nullptr)
            {
                stream->capture->isInvalid = true;
                return static_cast<int>(StreamCaptureUnsupported);
            }
            return enqueue(context, *stream, {NodeType::Kernel, "graph", [exec] { return runGraph(exec->graph); }});
        });
}
}
