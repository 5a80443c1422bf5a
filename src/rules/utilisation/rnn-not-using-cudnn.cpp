#include "diagnose/rule.h"

namespace tfdoctor {

namespace rules {

extern const Rule rnn_not_using_cudnn;
constinit const Rule rnn_not_using_cudnn = {
    .id = "rnn-not-using-cudnn",
    .link = Link::kUtilisation,
    .effect = Effect::kDegrades,
    .title = "LSTM or GRU layers cannot use cuDNN with these arguments",
    .prior = 0.02,
    .check = nullptr,  // what a program prints shows it: src/rules/logs/utilisation.cpp
    .page = R"md(## What it means

cuDNN's fast kernel for LSTM and GRU needs the default arguments. With others the layer runs on the GPU all the same, several times slower.

## How it is recognised

`Layer lstm will not use cuDNN kernel(s) since it doesn't meet the criteria`.

## How it happens

`recurrent_dropout` above 0, another `activation` or `recurrent_activation`, `unroll=True`, `use_bias=False`, or a mask that is not padded on the right.

## How to fix it

Use the defaults: activation tanh, recurrent_activation sigmoid, recurrent_dropout 0, unroll False, use_bias True, for GRU reset_after True.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
