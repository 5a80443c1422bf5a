#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::rnn_not_using_cudnn {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("rnn-criteria");
  s.States(story.Saw("says-recurrent-layer") && story.Saw("says-slow") && !story.trouble, "says-slow",
           "a recurrent layer is slow: some of its arguments exclude cuDNN's kernel", kStrong);
  if (!story.trouble && story.Saw("says-recurrent-layer")) s.Speaks("says-recurrent-dropout", kDecisive);
  if (!story.trouble && story.Saw("says-recurrent-layer")) s.Speaks("says-cudnn-kernel", kStrong);
  const std::string dropout = story.Stated("recurrent_dropout");
  s.StatesProof(!dropout.empty() && dropout != "0" && dropout != "0.0", "recurrent_dropout",
                "recurrent_dropout=" + dropout + " excludes cuDNN's kernel");
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "rnn-not-using-cudnn",
    .link = Link::kUtilisation,
    .effect = Effect::kDegrades,
    .title = "LSTM or GRU layers cannot use cuDNN with these arguments",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

cuDNN's fast kernel for LSTM and GRU needs the default arguments. With others the layer runs on the GPU all the same, several times slower.

## How it is recognised

`Layer lstm will not use cuDNN kernel(s) since it doesn't meet the criteria`.

## How it happens

`recurrent_dropout` above 0, another `activation` or `recurrent_activation`, `unroll=True`, `use_bias=False`, or a mask that is not padded on the right.

## What people say

"LSTM or GRU is slow on the GPU", "recurrent_dropout, activation, mask, unroll, ragged", "will not use cuDNN kernels since it doesn't meet the criteria", "CuDNNLSTM was faster".

## How to fix it

Use the defaults: activation tanh, recurrent_activation sigmoid, recurrent_dropout 0, unroll False, use_bias True, for GRU reset_after True.
)md",
};

}  // namespace tfdoctor::rnn_not_using_cudnn
