// Offers the zone that the device is in, where nobody has chosen one and it is another than the one shown.
const offer = document.getElementById("zone-offer");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone !== "UTC" && zone !== offer.dataset.shown) {
  offer.elements.zone.value = zone;
  offer.querySelector("strong").textContent = zone.replaceAll("_", " ");
  offer.hidden = false;
}
