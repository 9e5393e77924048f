/** What lies in a share link. Written by `python -m tabrl_py.policy.link_layout`. */

export const LAYOUT = /** @type {const} */ (
{
  "version": 1,
  "longest_link": 400000,
  "largest_payload": 600000,
  "largest_weights": 250000,
  "setting_types": [
    "int",
    "float",
    "bool",
    "choice",
    "int_list"
  ],
  "setting_text": 48,
  "recipe_versions": [
    1,
    2
  ],
  "policy": {
    "key": "p",
    "fields": [
      {
        "name": "task",
        "type": "text",
        "longest": 64
      },
      {
        "name": "name",
        "type": "text",
        "longest": 120
      },
      {
        "name": "made",
        "type": "text",
        "longest": 200
      },
      {
        "name": "layout_version",
        "type": "count",
        "low": 0,
        "high": 65535
      },
      {
        "name": "steps",
        "type": "count",
        "low": 0,
        "high": 9007199254740991
      },
      {
        "name": "sizes",
        "type": "counts",
        "least": 2,
        "most": 8,
        "low": 1,
        "high": 65536
      },
      {
        "name": "activation",
        "type": "choice",
        "choices": [
          "tanh",
          "relu",
          "elu"
        ]
      },
      {
        "name": "layer_norm",
        "type": "choice",
        "choices": [
          "no",
          "yes"
        ]
      },
      {
        "name": "squash",
        "type": "choice",
        "choices": [
          "none",
          "tanh"
        ]
      },
      {
        "name": "precision",
        "type": "choice",
        "choices": [
          "int8",
          "f16"
        ]
      },
      {
        "name": "normalized",
        "type": "choice",
        "choices": [
          "no",
          "yes"
        ]
      },
      {
        "name": "obs_count",
        "type": "count",
        "low": 0,
        "high": 9007199254740991,
        "when": {
          "normalized": "yes"
        }
      },
      {
        "name": "obs_mean",
        "type": "halves",
        "size": "inputs",
        "when": {
          "normalized": "yes"
        }
      },
      {
        "name": "obs_std",
        "type": "halves",
        "size": "inputs",
        "when": {
          "normalized": "yes"
        }
      },
      {
        "name": "log_std",
        "type": "halves",
        "size": "outputs"
      },
      {
        "name": "biases",
        "type": "halves",
        "size": "units"
      },
      {
        "name": "row_max",
        "type": "halves",
        "size": "units",
        "when": {
          "precision": "int8"
        }
      },
      {
        "name": "weights8",
        "type": "bytes",
        "size": "weights",
        "when": {
          "precision": "int8"
        }
      },
      {
        "name": "weights16",
        "type": "halves",
        "size": "weights",
        "when": {
          "precision": "f16"
        }
      }
    ]
  },
  "recipe": {
    "key": "r",
    "fields": [
      {
        "name": "task",
        "type": "text",
        "longest": 64
      },
      {
        "name": "name",
        "type": "text",
        "longest": 120
      },
      {
        "name": "made",
        "type": "text",
        "longest": 200
      },
      {
        "name": "recipe_version",
        "type": "count",
        "low": 1,
        "high": 65535
      },
      {
        "name": "algorithm",
        "type": "text",
        "longest": 24
      },
      {
        "name": "settings",
        "type": "settings",
        "most": 64
      },
      {
        "name": "reward",
        "type": "text",
        "longest": 20000,
        "lines": true
      }
    ]
  }
}
);
