"""PyTorch: nn.RNN and nn.LSTM, and its DataLoader."""

from __future__ import annotations

import numpy as np

from . import common


def network(kind: str, units: int, features: int, weights: str | None = None):
    """nn.RNN or nn.LSTM and a Linear. PyTorch adds two biases; the second stays at zero, so that both count as one."""
    import torch

    layer = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[kind](features, units, batch_first=True)
    layer.bias_hh_l0.requires_grad_(False).zero_()
    head = torch.nn.Linear(units, 10)
    if weights:
        given = {name: torch.from_numpy(array) for name, array in common.read(weights).items()}
        with torch.no_grad():
            for ours, name in zip(parameters(layer, head), common.WEIGHTS):
                ours.copy_(given[name].T if given[name].ndim == 2 else given[name])
    return layer, head


def parameters(layer, head) -> list:
    """In the order of WEIGHTS; PyTorch keeps matrices transposed."""
    return [layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, head.weight, head.bias]


class Training(common.Stepping):
    """Forward, backward, Adam; options: threads, Adam's form, oneDNN."""

    def __init__(self, kind: str, units: int, batch: int, given: str, threads: int = 2, adam: str = "fused", onednn: bool = True, **_) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.backends.mkldnn.enabled = onednn
        self.given, self.batch, self.kind, self.units, self.adam = common.read(given), batch, kind, units, adam
        self.start(None)
        self.data = common.batches(self.given["images"], self.given["labels"], batch)

    def start(self, weights: str | None) -> None:
        """The network at these weights, and a fresh Adam."""
        import torch

        self.layer, self.head = network(self.kind, self.units, self.given["images"].shape[2], weights)
        how = {"fused": {"fused": True}, "foreach": {"foreach": True}, "plain": {"foreach": False}}[self.adam]
        rate, betas, epsilon = common.ADAM["rate"], (common.ADAM["beta_1"], common.ADAM["beta_2"]), common.ADAM["epsilon"]
        self.optimizer = torch.optim.Adam(parameters(self.layer, self.head), lr=rate, betas=betas, eps=epsilon, **how)

    def loss(self, images: np.ndarray, labels: np.ndarray):
        """Mean cross entropy and logits of a batch."""
        import torch

        logits = self.head(self.layer(torch.from_numpy(images))[0][:, -1])
        return torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)), logits

    def step(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """One update; loss and accuracy from before it."""
        import torch

        loss, logits = self.loss(images, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item(), (logits.argmax(1) == torch.from_numpy(labels)).float().mean().item()

    def parity(self, weights: str) -> dict:
        """As the kit's."""
        self.start(weights)
        loss, logits = self.loss(*next(common.first_batches(self.given, self.batch)))
        loss.backward()
        gradients = [one.grad.numpy().T.copy() for one in parameters(self.layer, self.head)]
        return {"logits": logits.detach().numpy(), **dict(zip(common.WEIGHTS, gradients)), **self.losses(weights)}


class Inference(common.Answering):
    """The network in inference mode."""

    def __init__(self, kind: str, units: int, given: str, weights: str, batch: int, threads: int = 2, onednn: bool = True, **_) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.backends.mkldnn.enabled = onednn
        self.images, self.batch = common.read(given)["images"], batch
        self.layer, self.head = network(kind, units, self.images.shape[2], weights)

    def answers(self) -> np.ndarray:
        """Logits of all the images."""
        import torch

        with torch.inference_mode():
            parts = torch.from_numpy(self.images).split(self.batch)
            return np.concatenate([self.head(self.layer(part)[0][:, -1]).numpy() for part in parts])


class Batches(common.Dealing):
    """torch.utils.data.DataLoader over tensors; one-hot labels made in advance, as a batch must hold them."""

    def __init__(self, given: str, batch: int, workers: int = 0, whole: bool = False, **_) -> None:
        import torch
        from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

        arrays = common.read(given)
        data = TensorDataset(torch.from_numpy(arrays["images"]), torch.eye(10)[torch.from_numpy(arrays["labels"])])
        if whole:  # a sampler that hands whole batches of indices to the data set
            sampler = BatchSampler(RandomSampler(data), batch, drop_last=True)
            self.loader = DataLoader(data, sampler=sampler, batch_size=None, num_workers=workers, persistent_workers=workers > 0)
        else:
            self.loader = DataLoader(data, batch, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0)
        self.left = iter(self.loader)

    def look(self) -> tuple:
        """One batch."""
        one = next(self.left, None)
        if one is None:
            self.left = iter(self.loader)
            one = next(self.left)
        return tuple(part.numpy() for part in one)
