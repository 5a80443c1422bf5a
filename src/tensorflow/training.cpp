// Steps that train a small network, through a graph and a session as `tf.function` and Keras do.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <random>
#include <set>

#include "tensorflow/stats.h"
#include "tensorflow/trial.h"

namespace tfdoctor {

namespace {

constexpr int kBatch = 64;
constexpr int kClasses = 4;
constexpr int kFeatures = 20;  // of the MLP's inputs
constexpr int kHidden = 32;
constexpr int kSide = 16;  // of the CNN's pictures
constexpr int kFilters = 8;
constexpr int kPooled = kSide / 2;
constexpr int kFlat = kPooled * kPooled * kFilters;

constexpr double kLossBound = 0.1;
constexpr double kAccuracyBound = 0.9;

using Floats = std::vector<float>;
using Shape = std::vector<int64_t>;

size_t Count(const Shape& shape) {
  size_t count = 1;
  for (const int64_t size : shape) count *= static_cast<size_t>(size);
  return count;
}

// One batch: inputs, and of each the class, as a row with a single 1.
struct Batch {
  Floats x;
  Floats y;
};

// A network with its task and its hand-written forward pass on this CPU, which checks what was trained.
struct Network {
  Shape input;  // of a batch
  // Shapes of the weights; the deviation that each starts with, 0: zeros.
  std::vector<std::pair<Shape, float>> weights;
  float rate;
  int steps;
  Batch (*make_batch)(std::mt19937& random, const Floats& centres);
  // The scores of one input, from the weights.
  std::array<double, kClasses> (*scores)(const float* x, const std::vector<Floats>& weights);
};

float Normal(std::mt19937& random) { return std::normal_distribution<float>(0, 1)(random); }

// Points around one centre for each class.
Batch PointBatch(std::mt19937& random, const Floats& centres) {
  Batch batch{Floats(kBatch * kFeatures), Floats(kBatch * kClasses)};
  for (size_t i = 0; i < kBatch; i++) {
    const size_t c = random() % kClasses;
    batch.y[i * kClasses + c] = 1;
    for (size_t j = 0; j < kFeatures; j++)
      batch.x[i * kFeatures + j] = centres[c * kFeatures + j] + 0.7F * Normal(random);
  }
  return batch;
}

// Noise with one quarter of the picture brighter: which one is the class.
Batch PictureBatch(std::mt19937& random, const Floats&) {
  Batch batch{Floats(kBatch * kSide * kSide), Floats(kBatch * kClasses)};
  for (size_t i = 0; i < kBatch; i++) {
    const size_t c = random() % kClasses;
    batch.y[i * kClasses + c] = 1;
    for (size_t pixel = 0; pixel < kSide * kSide; pixel++) {
      const bool lower = pixel / kSide >= kPooled;
      const bool right = pixel % kSide >= kPooled;
      batch.x[i * kSide * kSide + pixel] =
          0.5F * Normal(random) + ((lower ? 2U : 0U) + (right ? 1U : 0U) == c ? 1.0F : 0.0F);
    }
  }
  return batch;
}

// Weights of a dense layer are [inputs, outputs].
void Dense(const std::vector<double>& in, const Floats& weights, const Floats& bias, double* out) {
  const size_t outputs = bias.size();
  for (size_t j = 0; j < outputs; j++) {
    out[j] = bias[j];
    for (size_t i = 0; i < in.size(); i++) out[j] += in[i] * weights[i * outputs + j];
  }
}

std::array<double, kClasses> MlpScores(const float* x, const std::vector<Floats>& weights) {
  std::vector<double> hidden(kHidden);
  Dense(std::vector<double>(x, x + kFeatures), weights[0], weights[1], hidden.data());
  for (double& value : hidden) value = std::max(value, 0.0);
  std::array<double, kClasses> scores{};
  Dense(hidden, weights[2], weights[3], scores.data());
  return scores;
}

std::array<double, kClasses> CnnScores(const float* x, const std::vector<Floats>& weights) {
  const auto pixel = [x](int row, int column) {
    const bool inside = row >= 0 && row < kSide && column >= 0 && column < kSide;
    return inside ? static_cast<double>(x[row * kSide + column]) : 0.0;
  };
  std::vector<double> pooled(kFlat, 0.0);  // after ReLU nothing is below 0
  for (int row = 0; row < kSide; row++) {
    for (int column = 0; column < kSide; column++) {
      for (int filter = 0; filter < kFilters; filter++) {
        double sum = weights[1][static_cast<size_t>(filter)];
        for (int i = 0; i < 9; i++)
          sum += pixel(row + i / 3 - 1, column + i % 3 - 1) *
                 weights[0][static_cast<size_t>(i) * kFilters + static_cast<size_t>(filter)];
        double& best = pooled[static_cast<size_t>((row / 2) * kPooled + column / 2) * kFilters +
                              static_cast<size_t>(filter)];
        best = std::max(best, sum);
      }
    }
  }
  std::array<double, kClasses> scores{};
  Dense(pooled, weights[2], weights[3], scores.data());
  return scores;
}

const Network kMlp = {
    {kBatch, kFeatures},
    {{{kFeatures, kHidden}, 0.3F}, {{kHidden}, 0}, {{kHidden, kClasses}, 0.3F}, {{kClasses}, 0}},
    0.2F,
    200,
    PointBatch,
    MlpScores};
const Network kCnn = {
    {kBatch, kSide, kSide, 1},
    {{{3, 3, 1, kFilters}, 0.3F}, {{kFilters}, 0}, {{kFlat, kClasses}, 0.05F}, {{kClasses}, 0}},
    0.1F,
    100,
    PictureBatch,
    CnnScores};

// Builds a graph, every operation of it pinned to one device.
class Graph {
 public:
  Graph(const Runtime& runtime, std::string device)
      : runtime_(runtime), device_(std::move(device)), graph_(runtime.api.TF_NewGraph()) {}

  TF_Graph* get() const { return graph_; }

  class Op {
   public:
    Op(const Runtime& runtime, TF_Graph* graph, const char* type, const std::string& name,
       const std::string& device)
        : runtime_(runtime), name_(name), of_(runtime.api.TF_NewOperation(graph, type, name.c_str())) {
      runtime.api.TF_SetDevice(of_, FullDevice(device).c_str());
    }
    Op& In(TF_Output input) { return runtime_.api.TF_AddInput(of_, input), *this; }
    Op& Type(const char* name, int type) { return runtime_.api.TF_SetAttrType(of_, name, type), *this; }
    Op& Truth(const char* name, bool value) {
      return runtime_.api.TF_SetAttrBool(of_, name, value ? 1 : 0), *this;
    }
    Op& Text(const char* name, const std::string& text) {
      return runtime_.api.TF_SetAttrString(of_, name, text.data(), text.size()), *this;
    }
    Op& Numbers(const char* name, const Shape& values) {
      return runtime_.api.TF_SetAttrIntList(of_, name, values.data(), static_cast<int>(values.size())), *this;
    }
    Op& Dimensions(const char* name, const Shape& shape) {
      return runtime_.api.TF_SetAttrShape(of_, name, shape.data(), static_cast<int>(shape.size())), *this;
    }
    Op& Content(TF_Tensor* tensor) {
      runtime_.Call(name_.c_str(), runtime_.api.TF_SetAttrTensor, of_, "value", tensor);
      return *this;
    }
    TF_Operation* Finish() { return runtime_.Call(name_.c_str(), runtime_.api.TF_FinishOperation, of_); }
    TF_Output Out(int index = 0) { return {Finish(), index}; }

   private:
    const Runtime& runtime_;
    std::string name_;
    TF_OperationDescription* of_;
  };

  Op Add(const char* type, const std::string& name) const { return {runtime_, graph_, type, name, device_}; }
  TF_Output Constant(const std::string& name, const Shape& shape, const Floats& values) const {
    return Add("Const", name).Type("dtype", kFloat).Content(runtime_.Floats(shape, values).get()).Out();
  }
  TF_Output Constant(const std::string& name, const std::vector<int32_t>& values) const {
    const auto tensor = runtime_.Tensor(kInt32, {static_cast<int64_t>(values.size())}, values);
    return Add("Const", name).Type("dtype", kInt32).Content(tensor.get()).Out();
  }
  TF_Output Float(const char* type, const std::string& name, const std::vector<TF_Output>& inputs) const {
    Op op = Add(type, name);
    for (const TF_Output input : inputs) op.In(input);
    return op.Type("T", kFloat).Out();
  }
  TF_Output MatMul(const std::string& name, TF_Output a, TF_Output b, bool turn_a = false,
                   bool turn_b = false) const {
    return Add("MatMul", name)
        .In(a)
        .In(b)
        .Type("T", kFloat)
        .Truth("transpose_a", turn_a)
        .Truth("transpose_b", turn_b)
        .Out();
  }

 private:
  const Runtime& runtime_;
  const std::string device_;
  TF_Graph* graph_;  // lives as long as the process
};

// The names of the operations start with these: where each ran is asked by name.
constexpr const char* kForward = "forward/";
constexpr const char* kBackward = "backward/";
constexpr const char* kUpdate = "update/";

struct Built {
  TF_Output x, y, loss;
  std::vector<TF_Output> read;  // the weights
  std::vector<TF_Operation*> start, update;
  std::vector<TF_Output> gradients;
};

// The gradients are written out, so that every operation has a name of ours and is pinned.
void AddMlp(const Graph& graph, Built& net, TF_Output& scores, TF_Output& hidden) {
  hidden = graph.MatMul("forward/dense1", net.x, net.read[0]);
  hidden =
      graph.Float("Relu", "forward/relu", {graph.Float("BiasAdd", "forward/bias1", {hidden, net.read[1]})});
  scores = graph.MatMul("forward/dense2", hidden, net.read[2]);
  scores = graph.Float("BiasAdd", "forward/bias2", {scores, net.read[3]});
}

void AddMlpGradients(const Graph& graph, Built& net, TF_Output of_scores, TF_Output hidden) {
  TF_Output of_hidden = graph.MatMul("backward/hidden", of_scores, net.read[2], false, true);
  of_hidden = graph.Float("ReluGrad", "backward/relu", {of_hidden, hidden});
  net.gradients = {graph.MatMul("backward/dense1", net.x, of_hidden, true),
                   graph.Float("BiasAddGrad", "backward/bias1", {of_hidden}),
                   graph.MatMul("backward/dense2", hidden, of_scores, true),
                   graph.Float("BiasAddGrad", "backward/bias2", {of_scores})};
}

struct CnnParts {
  TF_Output relu, pool, flat;
};

void AddCnn(const Graph& graph, Built& net, TF_Output& scores, CnnParts& parts) {
  const TF_Output conv = graph.Add("Conv2D", "forward/conv")
                             .In(net.x)
                             .In(net.read[0])
                             .Type("T", kFloat)
                             .Numbers("strides", {1, 1, 1, 1})
                             .Text("padding", "SAME")
                             .Out();
  parts.relu =
      graph.Float("Relu", "forward/relu", {graph.Float("BiasAdd", "forward/bias1", {conv, net.read[1]})});
  parts.pool = graph.Add("MaxPool", "forward/pool")
                   .In(parts.relu)
                   .Type("T", kFloat)
                   .Numbers("ksize", {1, 2, 2, 1})
                   .Numbers("strides", {1, 2, 2, 1})
                   .Text("padding", "VALID")
                   .Out();
  parts.flat = graph.Add("Reshape", "forward/flat")
                   .In(parts.pool)
                   .In(graph.Constant("forward/flat_shape", {kBatch, kFlat}))
                   .Type("T", kFloat)
                   .Out();
  scores = graph.MatMul("forward/dense", parts.flat, net.read[2]);
  scores = graph.Float("BiasAdd", "forward/bias2", {scores, net.read[3]});
}

void AddCnnGradients(const Graph& graph, Built& net, TF_Output of_scores, const CnnParts& parts) {
  TF_Output back = graph.MatMul("backward/flat", of_scores, net.read[2], false, true);
  back = graph.Add("Reshape", "backward/unflat")
             .In(back)
             .In(graph.Constant("backward/unflat_shape", {kBatch, kPooled, kPooled, kFilters}))
             .Type("T", kFloat)
             .Out();
  back = graph.Add("MaxPoolGrad", "backward/pool")
             .In(parts.relu)
             .In(parts.pool)
             .In(back)
             .Type("T", kFloat)
             .Numbers("ksize", {1, 2, 2, 1})
             .Numbers("strides", {1, 2, 2, 1})
             .Text("padding", "VALID")
             .Out();
  back = graph.Float("ReluGrad", "backward/relu", {back, parts.relu});
  net.gradients = {graph.Add("Conv2DBackpropFilter", "backward/conv")
                       .In(net.x)
                       .In(graph.Constant("backward/filter_shape", {3, 3, 1, kFilters}))
                       .In(back)
                       .Type("T", kFloat)
                       .Numbers("strides", {1, 1, 1, 1})
                       .Text("padding", "SAME")
                       .Out(),
                   graph.Float("BiasAddGrad", "backward/bias1", {back}),
                   graph.MatMul("backward/dense", parts.flat, of_scores, true),
                   graph.Float("BiasAddGrad", "backward/bias2", {of_scores})};
}

Built Build(const Graph& graph, const Network& network, std::mt19937 random) {
  Built net;
  net.x = graph.Add("Placeholder", "x").Type("dtype", kFloat).Dimensions("shape", network.input).Out();
  net.y = graph.Add("Placeholder", "y").Type("dtype", kFloat).Dimensions("shape", {kBatch, kClasses}).Out();
  std::vector<TF_Output> handles;
  for (const auto& [shape, deviation] : network.weights) {
    const std::string number = std::to_string(handles.size());
    Floats values(Count(shape));
    for (float& value : values) value = deviation * Normal(random);
    handles.push_back(graph.Add("VarHandleOp", "weights/" + number)
                          .Type("dtype", kFloat)
                          .Dimensions("shape", shape)
                          .Text("shared_name", "weights" + number)
                          .Out());
    net.start.push_back(graph.Add("AssignVariableOp", "start/" + number)
                            .In(handles.back())
                            .In(graph.Constant("start/value" + number, shape, values))
                            .Type("dtype", kFloat)
                            .Finish());
    net.read.push_back(
        graph.Add("ReadVariableOp", "read/" + number).In(handles.back()).Type("dtype", kFloat).Out());
  }
  TF_Output scores{};
  TF_Output hidden{};
  CnnParts parts{};
  const bool cnn = network.input.size() == 4;
  if (cnn) {
    AddCnn(graph, net, scores, parts);
  } else {
    AddMlp(graph, net, scores, hidden);
  }
  const TF_Output entropy = graph.Float("SoftmaxCrossEntropyWithLogits", "forward/entropy", {scores, net.y});
  net.loss = graph.Add("Mean", "forward/loss")
                 .In(entropy)
                 .In(graph.Constant("forward/axis", {0}))
                 .Type("T", kFloat)
                 .Out();
  // Its second result is the gradient of each row's loss; that of their mean is a batch-th of it.
  const TF_Output of_scores = graph.Float(
      "Mul", "backward/scores", {{entropy.oper, 1}, graph.Constant("backward/share", {}, {1.0F / kBatch})});
  if (cnn) {
    AddCnnGradients(graph, net, of_scores, parts);
  } else {
    AddMlpGradients(graph, net, of_scores, hidden);
  }
  const TF_Output rate = graph.Constant("update/rate", {}, {network.rate});
  for (size_t i = 0; i < handles.size(); i++) {
    net.update.push_back(graph.Add("ResourceApplyGradientDescent", kUpdate + std::to_string(i))
                             .In(handles[i])
                             .In(rate)
                             .In(net.gradients[i])
                             .Type("T", kFloat)
                             .Finish());
  }
  return net;
}

struct Trained {
  std::vector<double> losses;
  std::vector<Floats> weights;
  double seconds_a_step = 0;  // without the first and the traced
  DeviceStats ran;            // of the last step
};

class Training {
 public:
  Training(const Trial& trial, const Network& network, const std::string& device, bool xla = false)
      : runtime_(trial.runtime), network_(network), graph_(trial.runtime, device) {
    std::mt19937 random(static_cast<unsigned>(trial.settings.seed));
    net_ = Build(graph_, network, random);
    Config config = trial.config();
    config.unfused = true;
    config.xla = xla;
    const std::string bytes = config.Bytes();
    const CApi& api = runtime_.api;
    const Owned<TF_SessionOptions> options{api.TF_NewSessionOptions(), {api.TF_DeleteSessionOptions}};
    runtime_.Call("the configuration of the session", api.TF_SetConfig, options.get(),
                  static_cast<const void*>(bytes.data()), bytes.size());
    session_ = runtime_.Call("creating the session", api.TF_NewSession, graph_.get(),
                             static_cast<const TF_SessionOptions*>(options.get()));
  }

  Trained Run(const std::vector<Batch>& batches) {
    Session("the first weights", {}, {}, nullptr, net_.start);
    std::vector<std::array<Owned<TF_Tensor>, 2>> tensors;
    for (const Batch& batch : batches)
      tensors.push_back(
          {runtime_.Floats(network_.input, batch.x), runtime_.Floats({kBatch, kClasses}, batch.y)});
    Trained trained;
    double seconds = 0;
    for (int step = 0; step < network_.steps; step++) {
      const auto& [x, y] = tensors[static_cast<size_t>(step) % tensors.size()];
      const bool traced = step == network_.steps - 1;
      const auto start = std::chrono::steady_clock::now();
      const auto results = Session("a training step", {x.get(), y.get()}, {net_.loss},
                                   traced ? &trained.ran : nullptr, net_.update);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      if (step > 0 && !traced) seconds += took.count();
      trained.losses.push_back(static_cast<double>(results[0].at(0)));
    }
    trained.seconds_a_step = seconds / (network_.steps - 2);
    trained.weights = Session("the trained weights", {}, net_.read, nullptr, {});
    return trained;
  }

 private:
  std::vector<Floats> Session(const char* what, const std::vector<TF_Tensor*>& fed,
                              const std::vector<TF_Output>& fetched, DeviceStats* ran,
                              const std::vector<TF_Operation*>& targets) {
    const CApi& api = runtime_.api;
    // RunOptions: trace_level SOFTWARE_TRACE. A full trace would need CUPTI.
    constexpr char kTrace[] = {0x08, 0x01};
    const Owned<TF_Buffer> options{
        ran == nullptr ? nullptr : api.TF_NewBufferFromString(kTrace, sizeof kTrace), {api.TF_DeleteBuffer}};
    const Owned<TF_Buffer> metadata{ran == nullptr ? nullptr : api.TF_NewBuffer(), {api.TF_DeleteBuffer}};
    const std::array<TF_Output, 2> inputs = {net_.x, net_.y};
    std::vector<TF_Tensor*> results(fetched.size(), nullptr);
    runtime_.Call(what, api.TF_SessionRun, session_, static_cast<const TF_Buffer*>(options.get()),
                  static_cast<const TF_Output*>(inputs.data()), static_cast<TF_Tensor* const*>(fed.data()),
                  static_cast<int>(fed.size()), fetched.data(), results.data(),
                  static_cast<int>(fetched.size()), static_cast<const TF_Operation* const*>(targets.data()),
                  static_cast<int>(targets.size()), metadata.get());
    std::vector<Floats> values;
    for (TF_Tensor* result : results) {
      const Owned<TF_Tensor> owned{result, {api.TF_DeleteTensor}};
      values.push_back(runtime_.Values(result));
    }
    if (ran != nullptr) *ran = ReadStepStats({static_cast<const char*>(metadata->data), metadata->length});
    return values;
  }

  const Runtime& runtime_;
  const Network& network_;
  Graph graph_;
  Built net_;
  TF_Session* session_ = nullptr;  // lives as long as the process
};

// How the trained weights do on inputs that they have not seen, computed here.
struct Exam {
  double accuracy = 0;
  double loss = 0;
};

Exam Examine(const Network& network, const std::vector<Floats>& weights, const Batch& batch) {
  Exam exam;
  const size_t width = batch.x.size() / kBatch;
  for (size_t i = 0; i < kBatch; i++) {
    const std::array<double, kClasses> scores = network.scores(&batch.x[i * width], weights);
    const auto right =
        static_cast<size_t>(
            std::find(batch.y.begin() + static_cast<std::ptrdiff_t>(i * kClasses), batch.y.end(), 1.0F) -
            batch.y.begin()) -
        i * kClasses;
    const double best = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (const double score : scores) sum += std::exp(score - best);
    exam.loss += (best + std::log(sum) - scores[right]) / kBatch;
    if (scores[right] == best) exam.accuracy += 1.0 / kBatch;
  }
  return exam;
}

// Empty: forward, backward and update ran on the device, and nothing of them elsewhere.
std::string WhereItRan(const DeviceStats& ran, const Network& network, const std::string& device,
                       Outcome& outcome) {
  std::map<std::string, std::set<std::string>> here;
  std::string elsewhere;
  for (const auto& [where, names] : ran) {
    for (const std::string& name : names) {
      for (const char* phase : {kForward, kBackward, kUpdate}) {
        if (!name.starts_with(phase)) continue;
        if (ShortDevice(where).starts_with(device)) {
          here[phase].insert(name);
        } else {
          elsewhere = name + " ran on " + ShortDevice(where);
        }
      }
    }
  }
  outcome.figures["forward_operations"] = here[kForward].size();
  outcome.figures["backward_operations"] = here[kBackward].size();
  outcome.figures["update_operations"] = here[kUpdate].size();
  if (!elsewhere.empty()) return elsewhere;
  size_t updates = 0;
  for (size_t i = 0; i < network.weights.size(); i++)
    updates += here[kUpdate].count(kUpdate + std::to_string(i));
  if (here[kForward].empty() || here[kBackward].empty() || updates != network.weights.size())
    return "the step's statistics do not show forward, backward and update on it";
  return {};
}

// Empty: clusters of operations that XLA compiled ran on the device.
std::string WhereClustersRan(const DeviceStats& ran, const std::string& device, Outcome& outcome) {
  int clusters = 0;
  for (const auto& [where, names] : ran) {
    for (const std::string& name : names) {
      if (!name.starts_with("cluster_")) continue;
      if (!ShortDevice(where).starts_with(device)) return name + " ran on " + ShortDevice(where);
      clusters++;
    }
  }
  outcome.figures["compiled_clusters"] = clusters;
  return clusters > 0 ? std::string() : "the step's statistics show nothing that XLA compiled";
}

Outcome Train(Trial& trial, const Network& network, bool xla = false) {
  Outcome outcome;
  const Settings& settings = trial.settings;
  std::mt19937 random(static_cast<unsigned>(settings.seed) + 1);
  Floats centres(kClasses * kFeatures);
  for (float& value : centres) value = Normal(random);
  std::vector<Batch> batches;
  for (int i = 0; i < 32; i++) batches.push_back(network.make_batch(random, centres));
  const Batch unseen = network.make_batch(random, centres);

  const Trained trained = Training(trial, network, settings.device, xla).Run(batches);
  const double first = trained.losses.front();
  double last = 0;
  constexpr size_t kLast = 10;
  for (size_t i = trained.losses.size() - kLast; i < trained.losses.size(); i++)
    last += trained.losses[i] / kLast;
  const Exam exam = Examine(network, trained.weights, unseen);
  const auto finite = [](double value) { return std::isfinite(value) ? value : 1e308; };
  outcome.figures["training_steps"] = network.steps;
  outcome.figures["first_loss"] = finite(first);
  outcome.figures["last_loss"] = finite(last);
  outcome.figures["loss_bound"] = kLossBound;
  outcome.figures["accuracy_on_unseen"] = exam.accuracy;
  outcome.figures["steps_per_second"] = 1 / trained.seconds_a_step;
  const std::string where = xla ? WhereClustersRan(trained.ran, settings.device, outcome)
                                : WhereItRan(trained.ran, network, settings.device, outcome);
  if (!where.empty()) {
    outcome.message = where;
    return outcome;
  }
  outcome.device = settings.device;

  std::string wrong;
  // A network that knows nothing has the logarithm of the number of classes, more or less.
  if (!(first > 0.5 && first < 5)) {
    wrong = fmt::format("the loss of an untrained network is {:.3g}, right is about {:.3g}", first,
                        std::log(kClasses));
  } else if (!(last < kLossBound)) {
    wrong = fmt::format("after {} steps the loss is {:.3g}, it has to be below {:g}", network.steps, last,
                        kLossBound);
  } else if (!(exam.accuracy >= kAccuracyBound)) {
    wrong = fmt::format("the trained weights, tried on the CPU, are right {:.0f} times in 100, loss {:.3g}",
                        exam.accuracy * 100, exam.loss);
  }
  if (!wrong.empty()) {
    outcome.wrong = true;
    outcome.message = wrong;
    return outcome;
  }
  if (settings.gpu() && !xla) {
    const Trained on_cpu = Training(trial, network, "CPU:0").Run(batches);
    outcome.figures["cpu_steps_per_second"] = 1 / on_cpu.seconds_a_step;
  }
  outcome.passed = true;
  return outcome;
}

}  // namespace

Outcome ProveMlp(Trial& trial) { return Train(trial, kMlp); }
Outcome ProveCnn(Trial& trial) { return Train(trial, kCnn); }
Outcome ProveXla(Trial& trial) { return Train(trial, kMlp, true); }

}  // namespace tfdoctor
