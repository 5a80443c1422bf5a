"""The steps of `tfdoctor prove`, in the user's own interpreter: the same as src/tensorflow/ does through the C API, with the
same answer (src/tensorflow/child.h). For any Python and TensorFlow since 3.6 and 1.14.

argv[1] holds the settings as JSON."""
import ctypes
import json
import os
import resource
import signal
import sys
import time

ANSWER = os.fdopen(3, "w")
os.set_inheritable(3, False)


def say(**event):
    ANSWER.write(json.dumps(event) + "\n")
    ANSWER.flush()


def fence():
    # As in src/tensorflow/child.cpp: it ends with its parent, and leaves no core file.
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (AttributeError, OSError):
        pass  # not Linux
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


fence()
SETTINGS = json.loads(sys.argv[1])
DEVICE = SETTINGS["device"]
CPU = "CPU:0"
GPU = DEVICE.startswith("GPU")
SEED = SETTINGS["seed"]

started = time.perf_counter()
try:
    import numpy as np
    import tensorflow as tf

    version = tf.__version__  # a folder that is left over has none
except BaseException as error:  # an import may raise anything, and its trace is worth reading
    import traceback

    traceback.print_exc()
    say(event="failed", message="{}: {}".format(type(error).__name__, error))
    sys.exit(1)
say(event="loaded", version=version, seconds=time.perf_counter() - started)

FLOAT32_TOLERANCE, TF32_TOLERANCE = 1e-4, 1e-2  # src/tensorflow/operations.cpp
LOSS_BOUND, ACCURACY_BOUND = 0.1, 0.9


class Wrong(Exception):
    """What was computed is not right."""


class Failed(Exception):
    pass


def short(name):
    return name.rpartition("device:")[2]


def on_device(outcome, device):
    outcome["device"] = short(device)
    if outcome["device"] != DEVICE:
        raise Failed("asked on {}, computed on {}".format(DEVICE, outcome["device"]))


def looks_normal(values):
    scale = 1 / np.sqrt(values.size)
    mean, deviation = values.mean(dtype=np.float64), values.std(dtype=np.float64)
    if not (abs(mean) < 6 * scale and abs(deviation - 1) < 5 * scale):
        raise Wrong("the random normal numbers have mean {:.3g} and deviation {:.3g}, right are 0 and 1".format(mean, deviation))


def judge_difference(difference, figures):
    tolerance = TF32_TOLERANCE if SETTINGS["tf32"] else FLOAT32_TOLERANCE
    difference = float(difference) if np.isfinite(difference) else 1e308
    figures.update(largest_difference=difference, tolerance=tolerance,
                   precision="float32" if difference <= FLOAT32_TOLERANCE else "TF32")
    if difference > tolerance:
        raise Wrong("the product is off by {:.3g} times the root of its size, allowed is {:g}".format(difference, tolerance))


def seconds_of_product(a, b, column, runs):
    """Waits by the copy of a vector: that of a matrix takes longer than to multiply it on a fast GPU."""
    start = time.perf_counter()
    for _ in range(runs):
        c = tf.matmul(a, b)
    tf.matmul(c, column).numpy()
    return (time.perf_counter() - start) / runs


def product(size, runs):
    """Inputs and result as numpy, the device, and the seconds of one product, the first left out."""
    with tf.device("/device:" + DEVICE):
        a, b = tf.random.normal([size, size], seed=SEED), tf.random.normal([size, size], seed=SEED + 1)
        column = tf.random.normal([size, 1], seed=SEED + 2)
        c = tf.matmul(a, b)
        tf.matmul(c, column).numpy()
        values = a.numpy(), b.numpy(), c.numpy()
        return values, c.device, seconds_of_product(a, b, column, runs)


def devices(outcome):
    logical = tf.config.list_logical_devices()
    names = [short(device.name) for device in logical if device.device_type in ("CPU", "GPU")]
    outcome["figures"].update(logical_devices=", ".join(names), logical_gpus=sum(name.startswith("GPU") for name in names))
    if DEVICE not in names:
        raise Failed("TensorFlow has no {}; it has {}".format(DEVICE, ", ".join(names)))
    outcome["device"] = DEVICE


def add(outcome):
    with tf.device("/device:" + DEVICE):
        total = tf.add(tf.constant([1.0, 2.0, 3.0]), tf.constant([4.0, 5.0, 6.0]))
    values = " ".join("{:g}".format(value) for value in total.numpy())
    outcome["figures"]["result"] = values
    on_device(outcome, total.device)
    if total.numpy().tolist() != [5, 7, 9]:
        raise Wrong("the sum is {}, right is 5 7 9".format(values))


def matmul(outcome):
    size, cpu_runs = 1000, 5
    (a, b, c), device, seconds = product(size, 100 if GPU else cpu_runs)
    on_device(outcome, device)
    looks_normal(a)
    looks_normal(b)
    figures = outcome["figures"]
    figures.update(milliseconds=seconds * 1e3, gigaflops=2e-9 * size**3 / seconds)
    if GPU:
        with tf.device("/device:" + CPU):
            x, y, column = tf.constant(a), tf.constant(b), tf.constant(a[:, :1])
            tf.matmul(x, y).numpy()
            figures["cpu_milliseconds"] = seconds_of_product(x, y, column, cpu_runs) * 1e3
            figures["times_faster_than_cpu"] = figures["cpu_milliseconds"] / figures["milliseconds"]
    difference = np.abs(a[:64].astype(np.float64) @ b.astype(np.float64) - c[:64]).max()
    judge_difference(difference / np.sqrt(size), figures)


def device_memory():
    """(used, free) bytes of the device by NVML; None where it does not tell."""
    memory = (ctypes.c_ulonglong * 3)()  # nvmlMemory_t: total, free, used
    device = ctypes.c_void_p()
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
        if not SETTINGS["address"] or nvml.nvmlInit_v2() or \
                nvml.nvmlDeviceGetHandleByPciBusId_v2(SETTINGS["address"].encode(), ctypes.byref(device)) or \
                nvml.nvmlDeviceGetMemoryInfo(device, memory):
            return None
    except (OSError, AttributeError):
        return None
    return memory[2], memory[1]


def memory_growth(outcome):
    size = 5000
    before = device_memory() if GPU else None
    (a, b, c), device, seconds = product(size, 1)
    outcome["figures"]["milliseconds"] = seconds * 1e3
    on_device(outcome, device)
    looks_normal(a)
    looks_normal(b)
    signs = np.random.RandomState(1).choice([-1.0, 1.0], size)
    difference = np.abs(c.astype(np.float64) @ signs - a.astype(np.float64) @ (b.astype(np.float64) @ signs)).max()
    judge_difference(difference / size, outcome["figures"])
    after = device_memory() if GPU else None
    if before and after:
        outcome["figures"].update(free_before_bytes=before[1], used_before_bytes=before[0], used_after_bytes=after[0],
                                  taken_bytes=after[0] - before[0])
    elif GPU:
        outcome["message"] = "NVML does not tell how much memory was taken"


BATCH, CLASSES, FEATURES, SIDE = 64, 4, 20, 16


def point_batch(random, centres):
    classes = random.randint(0, CLASSES, BATCH)
    x = centres[classes] + 0.7 * random.randn(BATCH, FEATURES)
    return x.astype(np.float32), np.eye(CLASSES, dtype=np.float32)[classes]


def picture_batch(random, _):
    classes = random.randint(0, CLASSES, BATCH)
    x = 0.5 * random.randn(BATCH, SIDE, SIDE, 1)
    half = SIDE // 2
    for i, c in enumerate(classes):
        x[i, c // 2 * half:(c // 2 + 1) * half, c % 2 * half:(c % 2 + 1) * half] += 1
    return x.astype(np.float32), np.eye(CLASSES, dtype=np.float32)[classes]


def mlp_forward(x, w):
    hidden = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, w[0]), w[1]))
    return tf.nn.bias_add(tf.matmul(hidden, w[2]), w[3])


def cnn_forward(x, w):
    picture = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, w[0], strides=[1, 1, 1, 1], padding="SAME"), w[1]))
    picture = tf.nn.max_pool2d(picture, 2, 2, "VALID")
    return tf.nn.bias_add(tf.matmul(tf.reshape(picture, [BATCH, -1]), w[2]), w[3])


def mlp_scores(x, w):
    return np.maximum(x @ w[0] + w[1], 0) @ w[2] + w[3]


def cnn_scores(x, w):
    padded = np.pad(x[..., 0], ((0, 0), (1, 1), (1, 1)), "constant")
    picture = sum(padded[:, i:i + SIDE, j:j + SIDE, None] * w[0][i, j, 0] for i in range(3) for j in range(3)) + w[1]
    pooled = np.maximum(picture, 0).reshape(BATCH, SIDE // 2, 2, SIDE // 2, 2, -1).max(axis=(2, 4))
    return pooled.reshape(BATCH, -1) @ w[2] + w[3]


MLP = dict(shapes=[([FEATURES, 32], 0.3), ([32], 0), ([32, CLASSES], 0.3), ([CLASSES], 0)], rate=0.2, steps=200,
           batch=point_batch, forward=mlp_forward, scores=mlp_scores, input=[BATCH, FEATURES])
CNN = dict(shapes=[([3, 3, 1, 8], 0.3), ([8], 0), ([(SIDE // 2)**2 * 8, CLASSES], 0.05), ([CLASSES], 0)], rate=0.1, steps=100,
           batch=picture_batch, forward=cnn_forward, scores=cnn_scores, input=[BATCH, SIDE, SIDE, 1])


def session(network, device, batches):
    """(losses, weights, seconds of a step, names of operations by device)"""
    v1 = tf.compat.v1
    random = np.random.RandomState(SEED)
    graph = tf.Graph()
    with graph.as_default(), tf.device("/device:" + device):
        x, y = v1.placeholder(tf.float32, network["input"]), v1.placeholder(tf.float32, [BATCH, CLASSES])
        weights = [v1.get_variable("w{}".format(i), initializer=(scale * random.randn(*shape)).astype(np.float32), use_resource=True)
                   for i, (shape, scale) in enumerate(network["shapes"])]
        read = [weight.read_value() for weight in weights]
        with tf.name_scope("forward"):
            scores = network["forward"](x, read)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=scores))
        gradients = tf.gradients(loss, read, name="backward")
        update = [tf.raw_ops.ResourceApplyGradientDescent(var=weight.handle, alpha=network["rate"], delta=gradient,
                                                          name="update/{}".format(i))
                  for i, (weight, gradient) in enumerate(zip(weights, gradients))]
        start_op = v1.global_variables_initializer()
    config = v1.ConfigProto(allow_soft_placement=False)
    config.gpu_options.allow_growth = SETTINGS["growth"]
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    if not GPU:
        config.device_count["GPU"] = 0
    losses, seconds, ran = [], 0.0, {}
    with v1.Session(graph=graph, config=config) as run:
        run.run(start_op)
        for step in range(network["steps"]):
            fed = dict(zip((x, y), batches[step % len(batches)]))
            traced = step == network["steps"] - 1
            options = v1.RunOptions(trace_level=v1.RunOptions.SOFTWARE_TRACE) if traced else None
            metadata = v1.RunMetadata() if traced else None
            start = time.perf_counter()
            losses.append(float(run.run([loss, update], fed, options=options, run_metadata=metadata)[0]))
            if step and not traced:
                seconds += time.perf_counter() - start
        trained = run.run(read)
    for stats in metadata.step_stats.dev_stats:
        ran.setdefault(short(stats.device), set()).update(node.node_name for node in stats.node_stats)
    return losses, trained, seconds / (network["steps"] - 2), ran


def train(outcome, network):
    random = np.random.RandomState(SEED + 1)
    centres = random.randn(CLASSES, FEATURES)
    batches = [network["batch"](random, centres) for _ in range(32)]
    x, y = network["batch"](random, centres)
    losses, weights, seconds, ran = session(network, DEVICE, batches)
    last = float(np.mean(losses[-10:]))
    accuracy = float((network["scores"](x, [w.astype(np.float64) for w in weights]).argmax(1) == y.argmax(1)).mean())
    finite = lambda value: value if np.isfinite(value) else 1e308
    figures = outcome["figures"]
    figures.update(training_steps=network["steps"], first_loss=finite(losses[0]), last_loss=finite(last), loss_bound=LOSS_BOUND,
                   accuracy_on_unseen=accuracy, steps_per_second=1 / seconds)
    counts = {}
    for device, names in ran.items():
        for phase in ("forward", "backward", "update"):
            mine = [name for name in names if name.startswith(phase + "/")]
            if device.startswith(DEVICE):
                counts[phase] = counts.get(phase, 0) + len(mine)
            elif mine:
                raise Failed("{} ran on {}".format(mine[0], device))
    for phase in ("forward", "backward", "update"):
        figures[phase + "_operations"] = counts.get(phase, 0)
    if not all(figures[phase + "_operations"] for phase in ("forward", "backward", "update")):
        raise Failed("the step's statistics do not show forward, backward and update on it")
    outcome["device"] = DEVICE
    if not 0.5 < losses[0] < 5:
        raise Wrong("the loss of an untrained network is {:.3g}, right is about 1.39".format(losses[0]))
    if not last < LOSS_BOUND:
        raise Wrong("after {} steps the loss is {:.3g}, it has to be below {:g}".format(network["steps"], last, LOSS_BOUND))
    if not accuracy >= ACCURACY_BOUND:
        raise Wrong("the trained weights, tried on the CPU, are right {:.0f} times in 100".format(accuracy * 100))
    if GPU:
        figures["cpu_steps_per_second"] = 1 / session(network, CPU, batches)[2]


STEPS = {"devices": devices, "add": add, "matmul": matmul, "memory-growth": memory_growth,
         "train-mlp": lambda outcome: train(outcome, MLP), "train-cnn": lambda outcome: train(outcome, CNN)}


def run(name):
    """False: the device is not there, so that no further step can be run."""
    say(event="begin", step=name)
    outcome = {"event": "end", "step": name, "state": "failed", "device": "", "figures": {}, "message": ""}
    start = time.perf_counter()
    try:
        if SETTINGS["growth"]:
            for gpu in tf.config.list_physical_devices("GPU"):
                tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.set_soft_device_placement(False)
        STEPS[name](outcome)
        outcome["state"] = "passed"
    except Wrong as error:
        outcome.update(wrong=True, message=str(error))
    except Failed as error:
        outcome.update(message=str(error))
    except Exception as error:
        code = getattr(error, "error_code", None)
        message = "{}".format(getattr(error, "message", error)) or type(error).__name__
        # Of a graph's error what the operation said, without where in this file it was defined.
        outcome.update(message=message[max(message.rfind("\nNode: "), 0):].strip())
        if isinstance(code, int):
            outcome["code"] = code
    outcome["seconds"] = time.perf_counter() - start
    say(**outcome)
    return name != "devices" or outcome["state"] == "passed"


for step in SETTINGS["steps"]:
    if not run(step):
        break
say(event="finished")
ANSWER.close()
os._exit(0)
