"""Stable-Baselines3's PPO on CartPole-v1 for benchmarks/rl.py: trains until the last 100 episodes average the goal.

Reads {"seed", "goal", "copies", "weights" (a path), and the settings by the names of labsupport.rl.ppo.Settings} from its
argument; prints {"seconds", "processor", "steps"} as JSON, null where the goal was not reached, and saves the policy's layers.
"""

import json
import sys
import time
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env


class Watch(BaseCallback):
    """Stops the training at the goal, which is looked at after each update; a look is not timed."""

    def __init__(self, goal: float) -> None:
        super().__init__()
        self.goal = goal
        self.reached: dict[str, Any] | None = None

    def _on_training_start(self) -> None:
        self.started, self.processor = time.perf_counter(), time.process_time()

    def _on_step(self) -> bool:
        return self.reached is None

    def _on_rollout_start(self) -> None:
        self.look()

    def _on_training_end(self) -> None:
        self.look()

    def look(self) -> None:
        """Note time and steps when the goal is reached for the first time."""
        returns = [episode["r"] for episode in self.model.ep_info_buffer]
        if self.reached is None and len(returns) == 100 and np.mean(returns) >= self.goal:
            self.reached = {
                "seconds": time.perf_counter() - self.started,
                "processor": time.process_time() - self.processor,
                "steps": self.num_timesteps,
            }


def main() -> None:
    """Train once."""
    torch.set_num_threads(1)
    asked: dict[str, Any] = json.loads(sys.argv[1])
    model = PPO(
        "MlpPolicy",
        make_vec_env("CartPole-v1", n_envs=asked["copies"], seed=asked["seed"]),
        learning_rate=lambda left: asked["rate"] * left,
        n_steps=asked["steps"],
        batch_size=asked["batch"],
        n_epochs=asked["epochs"],
        gamma=asked["discount"],
        gae_lambda=asked["trace"],
        clip_range=lambda left: asked["clip"] * left,
        normalize_advantage=asked["normalise"],
        ent_coef=asked["entropy"],
        vf_coef=asked["value"],
        max_grad_norm=asked["longest"],
        policy_kwargs={"net_arch": list(asked["hidden"])},
        seed=asked["seed"],
        device="cpu",
    )
    watch = Watch(asked["goal"])
    model.learn(asked["budget"], callback=watch)
    layers = [layer for layer in model.policy.mlp_extractor.policy_net if hasattr(layer, "weight")]
    flat = [
        part.detach().numpy().T.ravel()
        for layer in [*layers, model.policy.action_net]
        for part in (layer.weight, layer.bias)
    ]
    np.save(asked["weights"], np.concatenate(flat))
    print(json.dumps(watch.reached or {"seconds": None, "processor": None, "steps": None}))


if __name__ == "__main__":
    main()
