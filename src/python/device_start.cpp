#include "python/device_start.h"

#include <algorithm>
#include <span>
#include <string>

namespace tfdoctor {
namespace {

using Names = std::span<const std::string_view>;

// Each of these was called with TensorFlow 2.15 (Keras 2) and 2.19 (Keras 3), in a process of its own, and
// asked whether its context was there afterwards, which is what the settings ask, and whether it had listed
// the physical devices, for which it calls the driver. What both agree on stands here; of all else it is not
// known.

// Whatever their arguments are.
constexpr std::string_view kStart[] = {"Variable",
                                       "constant",
                                       "device",
                                       "eye",
                                       "fill",
                                       "linspace",
                                       "no_op",
                                       "ones",
                                       "range",
                                       "timestamp",
                                       "zeros",
                                       "config.experimental.get_memory_info",
                                       "config.experimental.get_memory_usage",
                                       "config.experimental.list_logical_devices",
                                       "config.experimental.reset_memory_stats",
                                       "config.list_logical_devices",
                                       "data.Dataset.from_generator",
                                       "data.Dataset.from_tensor_slices",
                                       "data.Dataset.from_tensors",
                                       "data.Dataset.list_files",
                                       "data.Dataset.random",
                                       "data.Dataset.range",
                                       "data.FixedLengthRecordDataset",
                                       "data.TFRecordDataset",
                                       "data.TextLineDataset",
                                       "distribute.MirroredStrategy",
                                       "distribute.MultiWorkerMirroredStrategy",
                                       "distribute.OneDeviceStrategy",
                                       "distribute.experimental.CentralStorageStrategy",
                                       "distribute.experimental.MultiWorkerMirroredStrategy",
                                       "experimental.numpy.zeros",
                                       "keras.backend.constant",
                                       "keras.backend.variable",
                                       "keras.metrics.AUC",
                                       "keras.metrics.Accuracy",
                                       "keras.metrics.Mean",
                                       "keras.metrics.MeanSquaredError",
                                       "keras.metrics.Precision",
                                       "keras.metrics.SparseCategoricalAccuracy",
                                       "keras.optimizers.Adagrad",
                                       "keras.optimizers.Adam",
                                       "keras.optimizers.AdamW",
                                       "keras.optimizers.RMSprop",
                                       "keras.optimizers.SGD",
                                       "metrics.Mean",
                                       "optimizers.Adam",
                                       "queue.FIFOQueue",
                                       "ragged.constant",
                                       "random.Generator.from_non_deterministic_state",
                                       "random.Generator.from_seed",
                                       "random.get_global_generator",
                                       "random.normal",
                                       "random.stateless_normal",
                                       "random.truncated_normal",
                                       "random.uniform",
                                       "summary.create_file_writer"};

// Of tensors; of a network's symbolic inputs they compute nothing yet.
constexpr std::string_view kStartOfTensors[] = {"abs",
                                                "add",
                                                "argmax",
                                                "argmin",
                                                "argsort",
                                                "boolean_mask",
                                                "cast",
                                                "clip_by_value",
                                                "concat",
                                                "convert_to_tensor",
                                                "cos",
                                                "divide",
                                                "equal",
                                                "exp",
                                                "expand_dims",
                                                "gather",
                                                "greater",
                                                "identity",
                                                "image.resize",
                                                "less",
                                                "linalg.matmul",
                                                "logical_and",
                                                "math.add",
                                                "matmul",
                                                "maximum",
                                                "meshgrid",
                                                "minimum",
                                                "multiply",
                                                "nn.relu",
                                                "nn.softmax",
                                                "norm",
                                                "one_hot",
                                                "ones_like",
                                                "pad",
                                                "pow",
                                                "print",
                                                "random.shuffle",
                                                "rank",
                                                "reduce_all",
                                                "reduce_any",
                                                "reduce_max",
                                                "reduce_mean",
                                                "reduce_min",
                                                "reduce_prod",
                                                "reduce_sum",
                                                "repeat",
                                                "reshape",
                                                "reverse",
                                                "round",
                                                "shape",
                                                "sigmoid",
                                                "sin",
                                                "size",
                                                "slice",
                                                "sort",
                                                "split",
                                                "sqrt",
                                                "square",
                                                "squeeze",
                                                "stack",
                                                "stop_gradient",
                                                "strings.join",
                                                "subtract",
                                                "tanh",
                                                "tensordot",
                                                "tile",
                                                "transpose",
                                                "unique",
                                                "unstack",
                                                "where",
                                                "zeros_like"};

// They ask the driver for its devices, or create devices that are not those of the settings.
constexpr std::string_view kAskDriver[] = {"InteractiveSession",
                                           "Session",
                                           "config.experimental.get_device_details",
                                           "config.experimental.get_memory_growth",
                                           "config.experimental.get_virtual_device_configuration",
                                           "config.experimental.get_visible_devices",
                                           "config.experimental.list_physical_devices",
                                           "config.experimental.set_memory_growth",
                                           "config.experimental.set_virtual_device_configuration",
                                           "config.experimental.set_visible_devices",
                                           "config.get_logical_device_configuration",
                                           "config.get_visible_devices",
                                           "config.list_physical_devices",
                                           "config.set_logical_device_configuration",
                                           "config.set_memory_growth",
                                           "config.set_visible_devices",
                                           "python.client.device_lib.list_local_devices",
                                           "test.gpu_device_name",
                                           "test.is_gpu_available"};

// They read or log what the physical devices are, in some releases.
constexpr std::string_view kPerhapsAskDriver[] = {"config.experimental.get_device_policy",
                                                  "config.experimental_connect_to_host",
                                                  "config.get_soft_device_placement",
                                                  "config.optimizer.get_experimental_options",
                                                  "config.optimizer.get_jit",
                                                  "config.threading.get_inter_op_parallelism_threads",
                                                  "config.threading.get_intra_op_parallelism_threads",
                                                  "keras.mixed_precision.Policy",
                                                  "keras.mixed_precision.global_policy",
                                                  "keras.mixed_precision.set_global_policy"};

// Neither. A name that ends with "." stands for all below it that stand nowhere else.
constexpr std::string_view kNothing[] = {"ConfigProto",
                                         "DType",
                                         "GPUOptions",
                                         "GradientTape",
                                         "Graph",
                                         "GraphOptions",
                                         "Module",
                                         "OptimizerOptions",
                                         "RaggedTensorSpec",
                                         "RunOptions",
                                         "SparseTensorSpec",
                                         "TensorShape",
                                         "TensorSpec",
                                         "app.flags.",
                                         "as_dtype",
                                         "as_string",
                                         "autograph.",
                                         "compat.as_bytes",
                                         "compat.as_str",
                                         "compat.as_text",
                                         "config.LogicalDeviceConfiguration",
                                         "config.experimental.VirtualDeviceConfiguration",
                                         "config.experimental.disable_mlir_bridge",
                                         "config.experimental.enable_mlir_bridge",
                                         "config.experimental.enable_op_determinism",
                                         "config.experimental.enable_tensor_float_32_execution",
                                         "config.experimental.set_device_policy",
                                         "config.experimental.set_synchronous_execution",
                                         "config.experimental.tensor_float_32_execution_enabled",
                                         "config.functions_run_eagerly",
                                         "config.optimizer.set_experimental_options",
                                         "config.optimizer.set_jit",
                                         "config.run_functions_eagerly",
                                         "config.set_soft_device_placement",
                                         "config.threading.set_inter_op_parallelism_threads",
                                         "config.threading.set_intra_op_parallelism_threads",
                                         "constant_initializer",
                                         "control_dependencies",
                                         "custom_gradient",
                                         "data.Options",
                                         "data.experimental.DistributeOptions",
                                         "data.experimental.ThreadingOptions",
                                         "debugging.disable_traceback_filtering",
                                         "debugging.enable_check_numerics",
                                         "debugging.set_log_device_placement",
                                         "disable_control_flow_v2",
                                         "disable_eager_execution",
                                         "disable_resource_variables",
                                         "disable_v2_behavior",
                                         "distribute.HierarchicalCopyAllReduce",
                                         "distribute.InputOptions",
                                         "distribute.NcclAllReduce",
                                         "distribute.ReductionToOneDevice",
                                         "distribute.RunOptions",
                                         "distribute.get_replica_context",
                                         "distribute.get_strategy",
                                         "distribute.has_strategy",
                                         "dtypes.as_dtype",
                                         "enable_eager_execution",
                                         "enable_resource_variables",
                                         "enable_v2_behavior",
                                         "executing_eagerly",
                                         "experimental.numpy.experimental_enable_numpy_behavior",
                                         "feature_column.numeric_column",
                                         "flags.",
                                         "function",
                                         "get_default_graph",
                                         "get_logger",
                                         "get_static_value",
                                         "gfile.",
                                         "group",
                                         "init_scope",
                                         "initializers.GlorotUniform",
                                         "io.FixedLenFeature",
                                         "io.FixedLenSequenceFeature",
                                         "io.TFRecordWriter",
                                         "io.VarLenFeature",
                                         "io.gfile.",
                                         "is_tensor",
                                         "keras.Input",
                                         "keras.backend.backend",
                                         "keras.backend.clear_session",
                                         "keras.backend.epsilon",
                                         "keras.backend.floatx",
                                         "keras.backend.image_data_format",
                                         "keras.backend.set_epsilon",
                                         "keras.backend.set_floatx",
                                         "keras.backend.set_image_data_format",
                                         "keras.callbacks.",
                                         "keras.config.",
                                         "keras.constraints.",
                                         "keras.datasets.",
                                         "keras.initializers.GlorotUniform",
                                         "keras.initializers.HeNormal",
                                         "keras.initializers.Orthogonal",
                                         "keras.initializers.RandomNormal",
                                         "keras.initializers.VarianceScaling",
                                         "keras.initializers.Zeros",
                                         "keras.layers.Input",
                                         "keras.layers.Layer",
                                         "keras.losses.BinaryCrossentropy",
                                         "keras.losses.CategoricalCrossentropy",
                                         "keras.losses.Huber",
                                         "keras.losses.Loss",
                                         "keras.losses.MeanSquaredError",
                                         "keras.losses.SparseCategoricalCrossentropy",
                                         "keras.losses.get",
                                         "keras.optimizers.schedules.",
                                         "keras.preprocessing.image.ImageDataGenerator",
                                         "keras.preprocessing.image.array_to_img",
                                         "keras.preprocessing.image.img_to_array",
                                         "keras.preprocessing.image.load_img",
                                         "keras.preprocessing.sequence.pad_sequences",
                                         "keras.preprocessing.text.Tokenizer",
                                         "keras.regularizers.",
                                         "keras.utils.Progbar",
                                         "keras.utils.Sequence",
                                         "keras.utils.custom_object_scope",
                                         "keras.utils.disable_interactive_logging",
                                         "keras.utils.get_custom_objects",
                                         "keras.utils.get_file",
                                         "keras.utils.normalize",
                                         "keras.utils.pad_sequences",
                                         "keras.utils.register_keras_serializable",
                                         "keras.utils.set_random_seed",
                                         "keras.utils.to_categorical",
                                         "logging.",
                                         "losses.MeanSquaredError",
                                         "name_scope",
                                         "nest.",
                                         "placeholder",
                                         "random.set_random_seed",
                                         "random.set_seed",
                                         "random_normal_initializer",
                                         "reset_default_graph",
                                         "saved_model.LoadOptions",
                                         "saved_model.SaveOptions",
                                         "set_random_seed",
                                         "sysconfig.",
                                         "test.is_built_with_cuda",
                                         "test.is_built_with_gpu_support",
                                         "test.is_built_with_rocm",
                                         "test.is_built_with_xla",
                                         "train.BytesList",
                                         "train.Checkpoint",
                                         "train.CheckpointManager",
                                         "train.CheckpointOptions",
                                         "train.ClusterSpec",
                                         "train.Example",
                                         "train.Feature",
                                         "train.Features",
                                         "train.FloatList",
                                         "train.Int64List",
                                         "train.latest_checkpoint",
                                         "zeros_initializer"};

bool Has(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool HasOrHolds(Names names, std::string_view name) {
  if (Has(names, name)) return true;
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    if (Has(names, name.substr(0, dot + 1))) return true;
  }
  return false;
}

}  // namespace

Wakes WhatItWakes(std::string_view function, bool symbolic) {
  constexpr std::string_view kTensorFlow = "tensorflow.";
  if (function.starts_with(kTensorFlow)) {
    const std::string_view name = function.substr(kTensorFlow.size());
    if (Has(kStart, name)) return Wakes::kDevices;
    if (Has(kStartOfTensors, name)) return symbolic ? Wakes::kPerhapsDevices : Wakes::kDevices;
    if (Has(kAskDriver, name)) return Wakes::kDriver;
    if (Has(kPerhapsAskDriver, name)) return Wakes::kPerhapsDriver;
    return HasOrHolds(kNothing, name) ? Wakes::kNothing : Wakes::kPerhapsDevices;
  }
  // Keras outside of TensorFlow may compute with something else.
  for (std::string_view keras : {"keras.", "tf_keras."}) {
    if (!function.starts_with(keras)) continue;
    const std::string name = "keras." + std::string(function.substr(keras.size()));
    if (Has(kPerhapsAskDriver, name)) return Wakes::kPerhapsDriver;
    return HasOrHolds(kNothing, name) ? Wakes::kNothing : Wakes::kPerhapsDevices;
  }
  // tensorflow_hub, tensorflow_datasets, …
  if (function.starts_with("tensorflow_")) return Wakes::kPerhapsDevices;
  for (std::string_view other : {"torch.cuda.", "jax.", "cupy.", "numba.cuda."}) {
    if (function.starts_with(other)) return Wakes::kPerhapsDriver;
  }
  return Wakes::kNothing;
}

bool IsOfTensorFlow(std::string_view name) {
  for (Names names : {Names(kStart), Names(kStartOfTensors), Names(kAskDriver), Names(kPerhapsAskDriver),
                      Names(kNothing)}) {
    for (std::string_view known : names) {
      if (known.substr(0, known.find('.')) == name) return true;
    }
  }
  return false;
}

}  // namespace tfdoctor
