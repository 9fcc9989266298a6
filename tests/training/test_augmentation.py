import pytest
import torch
import torch.nn.functional as F
import torchvision.transforms.v2.functional as reference

from multilabel.core.errors import UserError
from multilabel.core.yaml_files import read_yaml
from multilabel.models.prediction import centre_crop
from multilabel.training.augmentation import (
    PRESETS,
    Augmentation,
    apply_colours,
    augment,
    colour_maps,
    erase,
    geometry,
    resolve_augmentation,
    sample_geometry,
    sharpen,
)

IMAGES = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


LIVELY = Augmentation(crop=0.7, flip=0.5, rotation=10, brightness=0.2, contrast=0.2, saturation=0.2)


def factors(value: float) -> torch.Tensor:
    return torch.full((4,), value)


def test_no_augmentation_is_the_picture_itself() -> None:
    torch.testing.assert_close(augment(IMAGES, 32, Augmentation()), IMAGES, atol=1e-5, rtol=0)


def test_flips_against_torchvision() -> None:
    maps = geometry(IMAGES, Augmentation(flip=1), 32)
    torch.testing.assert_close(sample_geometry(IMAGES, maps, 32), reference.horizontal_flip(IMAGES), atol=1e-5, rtol=0)
    maps = geometry(IMAGES, Augmentation(flip_vertical=1), 32)
    torch.testing.assert_close(sample_geometry(IMAGES, maps, 32), reference.vertical_flip(IMAGES), atol=1e-5, rtol=0)


@pytest.mark.parametrize("degrees", [10.0, -25.0, 90.0])
def test_rotation_against_torchvision(degrees: float) -> None:
    angle = torch.tensor(degrees) * torch.pi / 180
    turn = torch.stack([torch.cos(angle), -torch.sin(angle), torch.tensor(0.0)])
    other = torch.stack([torch.sin(angle), torch.cos(angle), torch.tensor(0.0)])
    maps = torch.stack([turn, other]).expand(4, 2, 3)
    expected = reference.rotate(IMAGES, degrees, interpolation=reference.InterpolationMode.BILINEAR)
    inside = (..., slice(10, 22), slice(10, 22))  # corners differ: we repeat the border, torchvision fills with black
    torch.testing.assert_close(sample_geometry(IMAGES, maps, 32)[inside], expected[inside], atol=1e-4, rtol=0)


@pytest.mark.parametrize("aspect", [1.0, 2.0])
@pytest.mark.parametrize("size", [32, 24])
def test_a_crop_never_looks_outside(size: int, aspect: float) -> None:
    settings = Augmentation(crop=0.5, flip=0.5, aspect=aspect)
    maps = geometry(IMAGES[:1].expand(500, -1, -1, -1), settings, size)
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)])
    assert (maps @ corners.T).abs().max() <= 1 + 1e-6
    sides = maps[:, [0, 1], [0, 1]].abs() * 32 / size
    assert sides.min() >= 0.5 / aspect**0.5 - 1e-6
    ratios = sides[:, 0] / sides[:, 1]
    assert ratios.max() <= aspect + 1e-5
    assert (ratios.max() > 1.2) == (aspect > 1)


def test_without_further_settings_a_larger_picture_is_cropped_at_random() -> None:
    torch.manual_seed(0)
    ramp = torch.arange(40.0).expand(200, 3, 40, 40) / 40
    views = augment(ramp, 32, Augmentation())
    assert views.shape == (200, 3, 32, 32)
    torch.testing.assert_close(views[:, :, :, 1:] - views[:, :, :, :-1], torch.full((200, 3, 32, 31), 1 / 40))
    starts = views[:, 0, 0, 0] * 40
    assert starts.min() >= -1e-4
    assert starts.max() <= 8 + 1e-4
    assert starts.std() > 1.5
    assert torch.equal(centre_crop(ramp, 32), ramp[:, :, 4:36, 4:36])


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 2.0])
def test_sharpness_against_torchvision(factor: float) -> None:
    expected = reference.adjust_sharpness(IMAGES, factor)
    torch.testing.assert_close(sharpen(IMAGES, factors(factor)), expected, atol=2e-3, rtol=0)


def test_erasing_hides_one_rectangle_in_its_share_of_the_pictures() -> None:
    torch.manual_seed(0)
    images = IMAGES[:1].expand(1000, -1, -1, -1)
    erased = erase(images, Augmentation(erase=0.3, erase_area=0.2))
    changed = (erased != images).any(dim=1)
    hit = changed.flatten(1).any(dim=1)
    assert hit.float().mean().item() == pytest.approx(0.3, abs=0.05)
    assert changed.float().mean(dim=(1, 2)).max() <= 0.25
    one = changed[hit][0]
    rows, columns = one.any(dim=1), one.any(dim=0)
    assert torch.equal(one, rows[:, None] & columns[None])
    torch.testing.assert_close(erased[hit][0][:, one], images[0].mean(dim=(1, 2))[:, None].expand(-1, int(one.sum())))


def test_erasing_never_hides_more_than_it_may() -> None:
    images = torch.rand(200, 3, 100, 100)
    hidden = (erase(images, Augmentation(erase=1.0, erase_area=0.005)) != images).any(dim=1).float().mean(dim=(1, 2))
    assert 0 < hidden.max() <= 0.0075  # to whole pixels


def test_randaugment_draws_for_every_image() -> None:
    smooth = F.interpolate(torch.rand(1, 3, 4, 4), 32).expand(8, -1, -1, -1)
    torch.manual_seed(0)
    views = augment(smooth, 32, Augmentation(randaugment=2))
    assert len({view.sum().item() for view in views}) > 4


@pytest.mark.parametrize("name", read_yaml(PRESETS))
def test_presets_resolve_and_give_pictures(name: str) -> None:
    options = resolve_augmentation(name, "train.augment")
    views = augment(IMAGES, 28, options)
    assert views.shape == (4, 3, 28, 28)
    assert 0 <= views.min() <= views.max() <= 1


def test_a_preset_takes_changes_and_refuses_unknown_keys() -> None:
    options = resolve_augmentation({"name": "transfer_cnn", "rotation": 5}, "train.augment")
    assert (options.rotation, options.grey) == (5, 0.2)
    with pytest.raises(
        UserError, match=r"unknown augmentation 'transfer_cn' in train.augment; did you mean 'transfer_cnn'"
    ):
        resolve_augmentation("transfer_cn", "train.augment")
    with pytest.raises(UserError, match=r"train.augment: unknown key 'flipp'; did you mean 'flip'"):
        resolve_augmentation({"flipp": 0.5}, "train.augment")


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.4])
def test_brightness_contrast_and_saturation_against_torchvision(factor: float) -> None:
    plain = {"brightness": factors(1), "contrast": factors(1), "saturation": factors(1), "turn": factors(0)}
    for name in ("brightness", "contrast", "saturation"):
        maps = colour_maps(IMAGES, **{**plain, name: factors(factor)})
        expected = getattr(reference, f"adjust_{name}")(IMAGES, factor)
        torch.testing.assert_close(apply_colours(IMAGES, *maps), expected, atol=2e-3, rtol=0)


def test_saturation_zero_is_greyscale_and_a_full_turn_of_hue_is_nothing() -> None:
    grey = colour_maps(IMAGES, factors(1), factors(1), factors(0), factors(0))
    expected = reference.rgb_to_grayscale(IMAGES, num_output_channels=3)
    torch.testing.assert_close(apply_colours(IMAGES, *grey), expected, atol=2e-3, rtol=0)
    full = colour_maps(IMAGES, factors(1), factors(1), factors(1), factors(2 * torch.pi))
    torch.testing.assert_close(apply_colours(IMAGES, *full), IMAGES, atol=1e-4, rtol=0)


def test_every_image_draws_its_own_view_and_the_seed_decides() -> None:
    same = IMAGES[:1].expand(4, -1, -1, -1)
    torch.manual_seed(1)
    first = augment(same, 32, LIVELY)
    torch.manual_seed(1)
    assert torch.equal(first, augment(same, 32, LIVELY))
    assert all(not torch.equal(first[0], first[i]) for i in range(1, 4))
    assert first.min() >= 0
    assert first.max() <= 1
