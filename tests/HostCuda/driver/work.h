// Work that is entered into streams, and the graphs that captures make of it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace mnr_driver
{
struct Context;
struct Stream;

// The moment a stream reaches an event.
struct Ticket
{
    Stream* stream = nullptr;
    bool isDone = false;
    double seconds = 0;
};

// CUgraphNodeType.
enum class NodeType
{
    Kernel = 0,
    Memcpy = 1,
    Memset = 2,
    Host = 3
};

struct Work
{
    NodeType type = NodeType::Kernel;
    std::string name;
    std::function<int()> run;
};

struct Operation
{
    Work work;
    std::shared_ptr<Ticket> waitsFor, reaches;
};

struct Node
{
    Work work;
    std::vector<std::size_t> dependencies;
};

// Nodes in an order in which they can run.
struct Graph
{
    std::vector<Node> nodes;
};

struct Capture
{
    Graph graph;
    Stream* origin = nullptr;
    std::vector<Stream*> streams;
    std::thread::id thread;
    int mode = 0;
    bool isInvalid = false;
    bool isEnded = false;
};

double now();

// Enters work into a stream, or its capture's graph. An error of the work itself shows in later calls, as on a GPU.
int enqueue(Context& context, Stream& stream, Work work);
void enqueueOperation(Context& context, Stream& stream, Operation operation);

// Runs what a stream holds, up to a ticket where one is given.
void drain(Stream& stream, const Ticket* until = nullptr);
void drainAll(Context& context);
// Runs one operation; false when there is none.
bool advance(Stream& stream);

// Marks the captures that the calling thread's unsafe calls disturb as invalid; false when there are none.
bool invalidateCaptures();
void leaveCapture(Stream& stream);

// Runs a graph's nodes, each behind those it depends on.
int runGraph(const Graph& graph);
}
